package scoring

// maxCompared bounds the characters that a similarity looks at. Both measures take
// time in proportion to the product of the lengths, and a page must not be able to
// keep a worker busy. Of longer texts the beginnings are compared.
const maxCompared = 5000

func runesOf(s string) []rune {
	r := []rune(s)
	return r[:min(len(r), maxCompared)]
}

// jaroWinkler is the Jaro similarity, 0–1, raised for a common beginning of up to
// four characters when it is above 0.7 already, as Winkler has it. It suits names and
// titles, which tend to differ at the end.
func jaroWinkler(a, b string) float64 {
	x, y := runesOf(a), runesOf(b)
	similarity := jaro(x, y)
	if similarity <= 0.7 {
		return similarity
	}
	prefix := 0
	for prefix < min(4, len(x), len(y)) && x[prefix] == y[prefix] {
		prefix++
	}
	return similarity + float64(prefix)*0.1*(1-similarity)
}

func jaro(x, y []rune) float64 {
	if len(x) == 0 && len(y) == 0 {
		return 1
	}
	takenX, takenY, common := pair(x, y)
	if common == 0 {
		return 0
	}
	swapped, j := 0, 0
	for i := range x {
		if !takenX[i] {
			continue
		}
		for !takenY[j] {
			j++
		}
		if x[i] != y[j] {
			swapped++
		}
		j++
	}
	m := float64(common)
	return (m/float64(len(x)) + m/float64(len(y)) + (m-float64(swapped/2))/m) / 3
}

// pair marks the characters that both have at places not too far apart.
func pair(x, y []rune) (takenX, takenY []bool, common int) {
	takenX, takenY = make([]bool, len(x)), make([]bool, len(y))
	reach := max(0, max(len(x), len(y))/2-1)
	for i, r := range x {
		for j := max(0, i-reach); j < min(len(y), i+reach+1); j++ {
			if !takenY[j] && y[j] == r {
				takenX[i], takenY[j] = true, true
				common++
				break
			}
		}
	}
	return takenX, takenY, common
}

// levenshteinRatio is 1 for equal texts and falls with every character that must be
// put in, taken out or changed, relative to the longer text: 0–1.
func levenshteinRatio(a, b string) float64 {
	x, y := runesOf(a), runesOf(b)
	longest := max(len(x), len(y))
	if longest == 0 {
		return 1
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, q := range y {
			cost := diagonal
			if r != q {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return 1 - float64(row[len(y)])/float64(longest)
}

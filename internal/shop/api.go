package shop

import (
	"encoding/json"
	"net/http"
	"strings"
)

// maxAsk bounds what a client may say.
const maxAsk = 64 << 10

// found is a product as the shop's API gives it.
type found struct {
	Name    string `json:"name"`
	SKU     string `json:"sku"`
	Price   cost   `json:"price"`
	InStock bool   `json:"in_stock"`
	Page    string `json:"page"`
}

type cost struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// serveSearch answers {"query": "part of a name"} with the products that have it, for
// those who would rather ask than read pages. Products that are gone are not found.
func (s *Shop) serveSearch(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Query string `json:"query"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsk)).Decode(&ask); err != nil {
		http.Error(w, "the body must be JSON such as {\"query\": \"lamp\"}", http.StatusBadRequest)
		return
	}
	answer := struct {
		Products []found `json:"products"`
	}{Products: []found{}}
	for _, p := range s.products {
		if p.Kind == Gone || !strings.Contains(strings.ToLower(p.Name), strings.ToLower(ask.Query)) {
			continue
		}
		answer.Products = append(answer.Products, found{
			Name: p.Name, SKU: p.SKU, Price: cost{p.Amount, p.Currency}, InStock: p.InStock, Page: p.Path,
		})
	}
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, "the products cannot be written", http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, "application/json", body)
}

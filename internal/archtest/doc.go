// Package archtest holds tests of how MINO is arranged rather than of what it does:
// that the import arrows of docs/architecture.md are kept, that the rules which keep
// them bite, and that what is written for operators matches what is there.
//
// .golangci.yml is authoritative for the arrows. The tests here read its depguard
// lists and apply them without golangci-lint, so that a plain `go test` refuses a
// wrong import too. `make lint` runs the same planted violations through
// golangci-lint itself, with its path in MINO_GOLANGCI_LINT.
package archtest

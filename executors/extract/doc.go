// Package extract finds the fields of a project in the body of an answer: HTML, JSON
// or text. It is given bytes, a content type and an address, and touches nothing
// else, so that every executor which ends up with a page can use it.
//
// A field with a rule is found by its rule: a path into structured data, a CSS
// selector, a JSONPath, a regular expression. A field without one is found by its
// name: "price", "sku", "availability" and others are known under the names that
// people give them; any other name is looked up among the properties of what the
// page is about and among the labels that readers see.
//
// What a page is about is decided once: of all the things that its structured data
// (JSON-LD, microdata, RDFa) describes, the one that agrees with its title, its main
// heading and its address. Price, SKU and availability are then put to a vote: the
// structured data, the meta elements, the places on the page where such a thing
// stands, and the address each speak for a value with a fixed weight (type ballot).
// The layout is judged by tags and names, as style sheets are not applied. All rules
// are general; none knows a site.
//
// Pages are hostile until proven otherwise: depth, numbers of items and sizes are
// bounded everywhere, and nothing panics on any input.
//
// Failure: New fails only on markup that the parser refuses even after repair. A
// field that is not found has no value; a value that does not parse as its type is
// given as found.
package extract

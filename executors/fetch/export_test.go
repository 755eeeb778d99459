package fetch

// Elsewhere is tested on its own: that a redirect ends encryption cannot be had from
// servers of one test, which have ports of their own.
var Elsewhere = elsewhere

// Package scoring says what the result of a job is worth: it holds the fields found
// against ground truth and gives the job its verdict. It is pure; the same input
// always gives the same score, so accuracy can be computed again at any time, as it
// is when a truth is edited.
//
// The verdict is apart from the job's status: a job that completed may be wrong,
// empty or blocked. The first of these that holds is the verdict:
//
//	blocked         the page was not the page that was asked for
//	empty           fields are wanted and not one has a value
//	schema_invalid  a required field is missing, or a value does not fit its type
//	correct         truth was given, and every compared field matches
//	wrong           truth was given, and none matches
//	partial         truth was given, and some match
//	unverified      there is no truth
//
// A truth is the list of values that are accepted for a field; one that matches is
// enough. Blank values are dropped, and a list that is empty then is no truth. A
// truth whose name is no field's is compared as text with the result's value of that
// name, so that agents may return more than was asked for.
//
// Failure: a value or truth that a comparer cannot read is a mismatch with a reason.
// Nothing here returns an error or panics, whatever the JSON.
package scoring

package wire

// Codes of problems. Each has one HTTP status; a code keeps its meaning for ever.
const (
	// 400: the body has members that are wrong; errors names all of them.
	CodeValidation = "VALIDATION_ERROR"
	// 400: the body is no JSON at all.
	CodeInvalidJSON = "INVALID_JSON"
	// 400: the path, the query or a header is wrong; errors names what.
	CodeInvalidParams = "INVALID_PARAMS"
	// 401: the request has no credentials.
	CodeUnauthorized = "UNAUTHORIZED"
	// 401: the credentials are wrong, have expired or were revoked.
	CodeInvalidToken = "INVALID_TOKEN"
	// 403: the caller lacks a permission; or the Origin may not open a WebSocket here.
	CodeForbidden = "FORBIDDEN"
	// 403: the person is of no organisation, of several of which the request names none, or
	// not of the one that it names.
	CodeOrganisationRequired = "ORGANISATION_REQUIRED"
	// 404: nothing is served under the path, or the record is not there.
	CodeNotFound          = "NOT_FOUND"
	CodeProjectNotFound   = "PROJECT_NOT_FOUND"
	CodeBatchNotFound     = "BATCH_NOT_FOUND"
	CodeJobNotFound       = "JOB_NOT_FOUND"
	CodeExecutionNotFound = "EXECUTION_NOT_FOUND"
	// 405: the path is served, but not with that method; see the Allow header.
	CodeMethodNotAllowed = "METHOD_NOT_ALLOWED"
	// 408: the request did not arrive in time.
	CodeRequestTimeout = "REQUEST_TIMEOUT"
	// 409: the present state of things refuses the request.
	CodeConflict = "CONFLICT"
	// 409: the organisation would be left without an owner.
	CodeLastOwner = "LAST_OWNER"
	// 411: the body must say how long it is.
	CodeLengthRequired = "LENGTH_REQUIRED"
	// 412: the record was edited since the caller read it.
	CodePreconditionFailed = "PRECONDITION_FAILED"
	// 413: the body is larger than the operator allows.
	CodePayloadTooLarge = "PAYLOAD_TOO_LARGE"
	// 415: the body's Content-Type or Content-Encoding is not taken there.
	CodeUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	// 422: the Idempotency-Key was used for another request.
	CodeIdempotencyMismatch = "IDEMPOTENCY_MISMATCH"
	// 426: the path is served over WebSocket; see the Upgrade header.
	CodeUpgradeRequired = "UPGRADE_REQUIRED"
	// 429: a key or an organisation asks faster than the operator lets it, or an address has
	// sent too many wrong credentials; see Retry-After.
	CodeRateLimited = "RATE_LIMITED"
	// 429: a limit of the organisation refuses it, such as how many executions it may run.
	CodeQuotaExceeded = "QUOTA_EXCEEDED"
	// 431: the request's headers are too large.
	CodeHeadersTooLarge = "HEADERS_TOO_LARGE"
	// 500: a fault of MINO's. The request id finds it in the log.
	CodeInternal        = "INTERNAL_ERROR"
	CodeDatabase        = "DATABASE_ERROR"
	CodeExecutionFailed = "EXECUTION_FAILED"
	// 503: PostgreSQL or Temporal is away; Retry-After says when to come again.
	CodeUnavailable = "UNAVAILABLE"
)

// Codes of FieldErrors that the API itself gives. Those of uploads are the codes of
// package internal/ingest; rules of lengths and ranges have codes of their own, such
// as LENGTH_OUT_OF_RANGE.
const (
	FieldUnknown   = "UNKNOWN_FIELD"   // there is no such member, parameter or part
	FieldDuplicate = "DUPLICATE_FIELD" // it is there twice
	FieldWrongType = "WRONG_TYPE"      // another type of JSON is needed
	FieldRequired  = "REQUIRED"
	FieldInvalid   = "INVALID"
	FieldTaken     = "TAKEN"    // another record has the value
	FieldExceeded  = "EXCEEDED" // a limit of the organisation
)

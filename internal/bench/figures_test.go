package bench

// The figures, in the order in which they are shown.
var (
	noopThroughput = define("noop_throughput", "jobs/s",
		"jobs that do nothing, end to end; ratio: to a bare fan-out of activities that do nothing", atLeast(0.8))
	noopOwnCost = define("noop_own_cost", "jobs/s",
		"the same; ratio: to a bare fan-out whose client has MINO's options", nothing)
	noopProcessor = define("noop_processors", "ms",
		"processor time of all servers and the worker per such job; ratio: to the bare fan-out", nothing)

	makespan = define("makespan", "s",
		"jobs of very unequal length, 50 at once; ratio: to the list-scheduling bound", atMost(1.03))
	makespanChunks = define("makespan_chunks", "chunks",
		"chunks that it took", nothing)

	agentMakespan = define("agent_makespan", "s",
		"jobs of a web agent whose runs take very unequal times, 50 at once; ratio: to a list schedule of the runs alone", nothing)

	historyEvents = define("history_events", "events",
		"events of the largest run of a large execution", atMost(10_240))
	historyBytes = define("history_bytes", "MB",
		"history of the largest run of a large execution", atMost(10))
	historyReplay = define("history_replay", "s",
		"replay of the longest history of a large execution", atMost(1))
	workerHeapPeak = define("worker_heap_peak", "MB",
		"heap of the worker's process during a large execution, at its highest", nothing)
	workerHeapEnd = define("worker_heap_end", "MB",
		"the same after its end", nothing)
	workerRSS = define("worker_rss_peak", "MB",
		"memory of the worker's process during a large execution, at its highest", nothing)

	controlMedian = define("control_p50", "ms",
		"pause, resume, concurrency, acknowledged with 50 jobs running; median", nothing)
	controlSlowest = define("control_p99", "ms",
		"the same, 99 of 100", atMost(250))

	eventMedian = define("event_p50", "ms",
		"an event to each of 200 clients that follow over HTTP; median", nothing)
	eventSlowest = define("event_p99", "ms",
		"the same, 99 of 100", atMost(500))
)

var (
	listDepth = define("list_depth", "times",
		"page 10,000 of a list of 1,000,000 jobs to page 1, under the filter for which that is most", atMost(1.2))
	listSlowest = define("list_p99", "ms",
		"a page of a list of 1,000,000 jobs, whatever filter, 99 of 100; with the client's part", atMost(20))
	accessTime = define("list_access", "ms",
		"a page of jobs over HTTP; ratio: to an API that asks nobody who they are, on tables without row-level security", atMost(1.15))
	accessTurns = define("list_access_turns", "ms",
		"the same for two organisations in turns, over one connection to PostgreSQL, which is the most that it can cost", nothing)
	ingestTime = define("csv_ingest", "ms",
		"a CSV of 10,000 rows through the API; ratio: to a COPY of the same rows", atMost(3))
	exportTime = define("export_csv", "ms",
		"export of 100,000 jobs as a CSV through the API; ratio: to COPY TO of the same columns and rows", atMost(3))
	exportHeap = define("export_heap", "MB",
		"live heap of the API's process during an export of 100,000 jobs, at its highest; ratio: to 10,000", atMost(1.5))
)

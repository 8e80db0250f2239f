-- Sends the requests of a file, one after the other, and counts answers that are no 200.
local requests, at = {}, 0
wrong = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local head = file:read(4)
    if not head then break end
    local a, b, c, d = head:byte(1, 4)
    requests[#requests + 1] = file:read(((a * 256 + b) * 256 + c) * 256 + d)
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, each)
  local errors = summary.errors
  io.write(string.format("RESULT {%d %.6f %.6f %.6f %.6f %d}\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end

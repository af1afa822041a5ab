-- What wrk sends and checks: texts of the same content from KEYS API keys in turn, each answer looked
-- at, with PAUSE ms between an answer and the next text of a connection. With KEY it is one key only, for
-- which a refusal by its quota is right too. What is wrong is counted per thread and printed at the end.
local keys = tonumber(os.getenv("KEYS"))
local only = os.getenv("KEY")
local pause = tonumber(os.getenv("PAUSE") or 0)
local threads = {}
local filler = string.rep("nothing to be found in this line of text\n", 90)
wrk.method = "POST"
wrk.body = "Password: x\n" .. filler .. "my_api_key=1 secretsecret\n"
local want = '"matches":4,'

function setup(thread)
    thread:set("first", #threads)
    table.insert(threads, thread)
end

function init()
    wrong, answers, refusals, turn = 0, 0, 0, first
end

function request()
    turn = turn + 1
    return wrk.format(nil, nil, { ["X-API-Key"] = only or "key-" .. turn % keys })
end

if pause > 0 then
    function delay()
        return pause
    end
end

function response(status, headers, body)
    answers = answers + 1
    if only and status == 429 then
        refusals = refusals + 1
        if headers["Retry-After"] ~= "1" or not body:find('"resource":"', 1, true) then
            wrong = wrong + 1
        end
    elseif status ~= 200 or not body:find(want, 1, true) then
        wrong = wrong + 1
    end
end

function done(summary, latency)
    local wrong_all, answers_all, refusals_all = 0, 0, 0
    for _, thread in ipairs(threads) do
        wrong_all = wrong_all + thread:get("wrong")
        answers_all = answers_all + thread:get("answers")
        refusals_all = refusals_all + thread:get("refusals")
    end
    local e = summary.errors
    print("answers " .. answers_all)
    print("refusals " .. refusals_all)
    print("p99_us " .. math.floor(latency:percentile(99)))
    print("errors " .. wrong_all + e.connect + e.read + e.write + e.timeout)
end

-- What wrk sends and checks: texts of the same content from KEYS API keys in turn, each answer looked
-- at. Answers that are wrong are counted per thread and printed at the end.
local keys = tonumber(os.getenv("KEYS"))
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
    wrong, answers, turn = 0, 0, first
end

function request()
    turn = turn + 1
    return wrk.format(nil, nil, { ["X-API-Key"] = "key-" .. turn % keys })
end

function response(status, _, body)
    answers = answers + 1
    if status ~= 200 or not body:find(want, 1, true) then
        wrong = wrong + 1
    end
end

function done(summary)
    local wrong_all, answers_all = 0, 0
    for _, thread in ipairs(threads) do
        wrong_all = wrong_all + thread:get("wrong")
        answers_all = answers_all + thread:get("answers")
    end
    local e = summary.errors
    print("answers " .. answers_all)
    print("errors " .. wrong_all + e.connect + e.read + e.write + e.timeout)
end

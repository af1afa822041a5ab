// A poller calls each function once, from run_once and never from submit, with the job's own user
// data; jobs beyond the ring wait and follow in order; what a function throws comes out of
// run_once.
#include "setup.hpp"

#include <numeric>
#include <vector>

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime, 16);
    rota::poller loop(tenant);
    EQUAL(MUST(loop.run_once(std::chrono::milliseconds(1))), 0);

    constexpr std::size_t all = 500; // the ring has 16 slots
    std::vector<int> calls(all);
    bool submitting = true;
    for (std::size_t i = 0; i < all; i++) {
        const auto job = rota::jobs::nop(static_cast<std::uint32_t>(i), 3).user_data(1000 + i);
        MUST(loop.submit(job, [&, i](rota::result<rota::completion> answer) {
            CHECK(!submitting);
            const auto done = MUST(std::move(answer));
            EQUAL(done.results[0], i);
            EQUAL(done.user_data, 1000 + i);
            calls[i]++;
        }));
    }
    submitting = false;
    EQUAL(loop.open(), all);
    MUST(loop.run());
    EQUAL(loop.open(), 0);
    CHECK(calls == std::vector<int>(all, 1));

    // Functions that submit: each starts the next.
    int left = 300;
    struct again {
        rota::poller &loop;
        int &left;
        void operator()(rota::result<rota::completion> answer) const {
            CHECK(answer && answer->ok());
            if (--left > 0)
                MUST(loop.submit(rota::jobs::nop(), *this));
        }
    };
    MUST(loop.submit(rota::jobs::nop(), again{loop, left}));
    MUST(loop.run());
    EQUAL(left, 0);

    // Waiting jobs keep their place: the barrier sees all before it done.
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < 100; i++)
        MUST(loop.submit(rota::jobs::nop(i).barrier(), [&](rota::result<rota::completion> done) {
            order.push_back(done->results[0]);
        }));
    MUST(loop.run());
    std::vector<std::uint32_t> wanted(100);
    std::iota(wanted.begin(), wanted.end(), 0u);
    CHECK(order == wanted);

    // Refused at once: an error, and no call. Refused while it waited: the function gets the error.
    const auto never = [](rota::result<rota::completion>) { CHECK(false); };
    FAILS(loop.submit(rota::job(4242), never), rota::status::invalid_opcode, "0x1092");
    EQUAL(loop.open(), 0);
    int refused = 0, served = 0;
    for (int i = 0; i < 40; i++)
        MUST(loop.submit(rota::jobs::nop(),
                         [&](rota::result<rota::completion> done) { served += done.has_value(); }));
    MUST(loop.submit(rota::job(4242), [&](rota::result<rota::completion> done) {
        FAILS(done, rota::status::invalid_opcode, "0x1092");
        refused++;
    }));
    MUST(loop.submit(rota::jobs::nop(),
                     [&](rota::result<rota::completion> done) { served += done.has_value(); }));
    MUST(loop.run());
    EQUAL(refused, 1);
    EQUAL(served, 41);

    // A call with a wrong argument harms nobody who waits.
    const int before = served;
    MUST(loop.submit(rota::jobs::nop(),
                     [&](rota::result<rota::completion> done) { served += done.has_value(); }));
    FAILS(loop.run_once({}, static_cast<rota::waiting>(9)), rota::status::invalid_argument, "");
    MUST(loop.run());
    EQUAL(served, before + 1);

    // A completion that the poller didn't ask for finds nobody.
    MUST(tenant.submit(rota::jobs::nop().user_data(1)));
    EQUAL(MUST(loop.run_once(std::chrono::seconds(10))), 1);

#if ROTA_HPP_EXCEPTIONS
    int others = 0;
    for (int i = 0; i < 8; i++)
        MUST(loop.submit(rota::jobs::nop(), [&, i](rota::result<rota::completion>) {
            if (i == 3)
                throw 33;
            others++;
        }));
    int caught = 0;
    while (loop.open() > 0) {
        try {
            MUST(loop.run_once());
        } catch (int thrown) {
            EQUAL(thrown, 33);
            caught++;
        }
    }
    EQUAL(caught, 1);
    EQUAL(others, 7);
#endif

    // Who tries again for ever is told that it is over, and run ends.
    auto doomed = create_tenant(runtime, 16);
    rota::poller last(doomed);
    int refusals = 0;
    struct stubborn {
        rota::poller &loop;
        int &refusals;
        void operator()(rota::result<rota::completion> answer) const {
            CHECK(!answer && answer.error() == rota::status::invalid_handle);
            const auto again = loop.submit(rota::jobs::nop(), *this);
            refusals += !again && again.error() == rota::status::invalid_handle;
        }
    };
    for (int i = 0; i < 40; i++)
        MUST(last.submit(rota::jobs::nop(), stubborn{last, refusals}));
    MUST(doomed.close());
    FAILS(last.run(), rota::status::invalid_handle, "");
    EQUAL(last.open(), 0);
    EQUAL(refusals, 40);
    return 0;
}

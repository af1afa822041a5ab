// What the binding costs over C on the hot paths: the same work by both in one process, taking
// turns, so that whatever the machine does meanwhile hits both. Prints one line of JSON.
//
//     c++ -std=c++17 -O2 cost.cpp $(pkg-config --cflags --libs rota) -o cost && ./cost [SECONDS]
//
// A round trip is a submit and a spinning poll. Publishing is submits alone, one job or a batch of
// 64 at a time, into a ring that is emptied outside of the time. Each sample is a run of many; a
// figure is the median of the samples. The cost is the median of the ratios of neighbouring
// samples, which a drift of the machine moves less than the ratio of the medians.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <rota/rota.hpp>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::uint32_t slots = 1024;
constexpr std::size_t batch = 64;
constexpr std::size_t round_trips = 200; // per sample

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "cost: %s\n", what);
    std::exit(1);
}

template <class Work> double ns_of(Work &&work) {
    const auto start = clock_type::now();
    work();
    return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

// The same work, written for C and for C++.
struct in_c {
    rota_tenant *tenant;

    void round_trip() const {
        rota_job job = ROTA_JOB_INIT;
        job.args[0] = 20;
        job.args[1] = 22;
        rota_ticket ticket;
        rota_completion done[1];
        std::size_t accepted, count;
        rota_error *error;
        if (rota_submit(tenant, &job, 1, &ticket, &accepted, &error) != ROTA_STATUS_OK)
            fail("submit");
        if (rota_poll(tenant, done, 1, ROTA_WAIT_SPIN, ROTA_FOREVER, &count, &error) !=
                ROTA_STATUS_OK ||
            done[0].ticket != ticket || done[0].results[1] != 22)
            fail("poll");
    }
    void publish_one() const {
        rota_job job = ROTA_JOB_INIT;
        job.args[0] = 20;
        job.args[1] = 22;
        rota_ticket ticket;
        std::size_t accepted;
        rota_error *error;
        if (rota_submit(tenant, &job, 1, &ticket, &accepted, &error) != ROTA_STATUS_OK ||
            ticket == 0)
            fail("submit");
    }
    void publish_batch(const std::vector<rota_job> &jobs) const {
        rota_ticket tickets[batch];
        std::size_t accepted;
        rota_error *error;
        if (rota_submit(tenant, jobs.data(), batch, tickets, &accepted, &error) != ROTA_STATUS_OK ||
            accepted != batch)
            fail("submit");
    }
};

struct in_cpp {
    const rota::tenant &tenant;

    void round_trip() const {
        const auto ticket = tenant.submit(rota::jobs::nop(20, 22));
        if (!ticket)
            fail("submit");
        rota::completion room[1];
        const auto done = tenant.poll(room, rota::forever, rota::waiting::spin);
        if (!done || done->front().ticket != *ticket || done->front().results[1] != 22)
            fail("poll");
    }
    void publish_one() const {
        const auto ticket = tenant.submit(rota::jobs::nop(20, 22));
        if (!ticket || *ticket == 0)
            fail("submit");
    }
    void publish_batch(const std::vector<rota_job> &jobs) const {
        rota::ticket tickets[batch];
        const auto sent = tenant.submit(jobs, tickets);
        if (!sent || sent.accepted != batch)
            fail("submit");
    }
};

void empty(const rota::tenant &tenant, std::size_t jobs) {
    std::vector<rota::completion> room(slots);
    while (jobs > 0) {
        const auto some = tenant.poll(room, std::chrono::seconds(10));
        if (!some || some->empty())
            fail("the ring doesn't empty");
        jobs -= some->size();
    }
}

// Samples of C and C++ in turns, and who comes first changes as well.
class figures {
  public:
    template <class C, class Cpp> void add(C &&c, Cpp &&cpp) {
        std::pair<double, double> sample;
        if (samples_.size() % 2 == 0) {
            sample.first = c();
            sample.second = cpp();
        } else {
            sample.second = cpp();
            sample.first = c();
        }
        samples_.push_back(sample);
    }
    double c_ns() const {
        return median([](auto sample) { return sample.first; });
    }
    double cpp_ns() const {
        return median([](auto sample) { return sample.second; });
    }
    double cost_percent() const {
        return 100 * (median([](auto sample) { return sample.second / sample.first; }) - 1);
    }
    std::size_t size() const { return samples_.size(); }

  private:
    template <class Of> double median(Of &&of) const {
        std::vector<double> all;
        for (const auto &sample : samples_)
            all.push_back(of(sample));
        std::nth_element(all.begin(), all.begin() + static_cast<long>(all.size() / 2), all.end());
        return all[all.size() / 2];
    }

    std::vector<std::pair<double, double>> samples_;
};

} // namespace

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 15;
    if (!(seconds > 0))
        fail("SECONDS is a number above 0");
    auto runtime = rota::runtime::open();
    if (!runtime)
        fail(runtime.error().message());
    rota::tenant_options options;
    options.slots = slots;
    const auto tenant = runtime->create_tenant(options).value();
    const in_c c{tenant.native()};
    const in_cpp cpp{tenant};
    const std::vector<rota_job> jobs(batch, rota_job(rota::jobs::nop(20, 22)));

    const auto round_trip = [&](const auto &side) {
        return ns_of([&] {
                   for (std::size_t i = 0; i < round_trips; i++)
                       side.round_trip();
               }) /
               round_trips;
    };
    const auto single = [&](const auto &side) {
        const double ns = ns_of([&] {
            for (std::size_t i = 0; i < slots; i++)
                side.publish_one();
        });
        empty(tenant, slots);
        return ns / slots;
    };
    const auto batched = [&](const auto &side) {
        const double ns = ns_of([&] {
            for (std::size_t i = 0; i < slots / batch; i++)
                side.publish_batch(jobs);
        });
        empty(tenant, slots);
        return ns / slots;
    };
    round_trip(c);
    round_trip(cpp);

    figures trips, singles, batches;
    const auto end = clock_type::now() + std::chrono::duration<double>(seconds);
    while (clock_type::now() < end) {
        trips.add([&] { return round_trip(c); }, [&] { return round_trip(cpp); });
        singles.add([&] { return single(c); }, [&] { return single(cpp); });
        batches.add([&] { return batched(c); }, [&] { return batched(cpp); });
    }
    std::printf("{\"round_trip_cost_percent\":%.2f,\"publish_cost_percent\":%.2f,"
                "\"publish_batch_64_cost_percent\":%.2f,"
                "\"round_trip_c_ns\":%.1f,\"round_trip_cpp_ns\":%.1f,"
                "\"publish_c_ns\":%.2f,\"publish_cpp_ns\":%.2f,"
                "\"publish_batch_64_c_ns\":%.2f,\"publish_batch_64_cpp_ns\":%.2f,"
                "\"samples\":%zu}\n",
                trips.cost_percent(), singles.cost_percent(), batches.cost_percent(), trips.c_ns(),
                trips.cpp_ns(), singles.c_ns(), singles.cpp_ns(), batches.c_ns(), batches.cpp_ns(),
                trips.size());
    return 0;
}

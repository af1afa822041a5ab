// A thread pool of tenants: each worker thread has a tenant of its own, with its own ring and
// buffers, so that workers share nothing but the device. They take tasks from one counter: here,
// estimating pi by the rectangle rule, one slice of the interval per task.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <rota/rota.hpp>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t workers = 4;
constexpr std::size_t tasks = 200;
constexpr std::size_t steps = 4096; // rectangles per task

// One worker: a tenant, and the memory for a task.
class worker {
  public:
    explicit worker(const rota::runtime &runtime)
        : tenant_(runtime.create_tenant().value()),
          heights_(tenant_.create_buffer<float>(steps).value()),
          sums_(tenant_.create_buffer<float>(64).value()) {}

    // Sums 4 / (1 + x * x) over the task's slice of 0 to 1: the host computes the heights, the
    // device halves and adds them.
    double run(std::size_t task) {
        std::vector<float> heights(steps);
        for (std::size_t i = 0; i < steps; i++) {
            const double x =
                (static_cast<double>(task * steps + i) + 0.5) / static_cast<double>(tasks * steps);
            heights[i] = static_cast<float>(8 / (1 + x * x));
        }
        heights_.write(heights).value();

        // heights = -0.5 * heights + heights, then the sum of each tile.
        const auto add = rota::jobs::sum_f32(heights_, sums_).after_ok();
        const rota_job jobs[] = {rota::jobs::saxpy(-0.5f, heights_, heights_), add};
        rota::ticket tickets[2];
        tenant_.submit(jobs, tickets).outcome.value();
        for (const auto ticket : tickets)
            failed_ += !tenant_.wait(ticket).value().ok();

        std::vector<float> sums(add.raw().tiles);
        sums_.read(sums).value();
        double sum = 0;
        for (const float one : sums)
            sum += static_cast<double>(one);
        done_++;
        return sum / static_cast<double>(tasks * steps);
    }

    std::size_t done() const { return done_; }
    std::size_t failed() const { return failed_; }

  private:
    rota::tenant tenant_;
    rota::buffer<float> heights_, sums_;
    std::size_t done_ = 0, failed_ = 0;
};

} // namespace

int main() {
    std::vector<worker> pool;
    {
        const auto runtime = rota::runtime::open().value();
        for (std::size_t i = 0; i < workers; i++)
            pool.emplace_back(runtime);
    } // the tenants keep the runtime open

    std::atomic<std::size_t> next{0};
    std::vector<double> parts(tasks);
    std::vector<std::thread> threads;
    for (auto &one : pool)
        threads.emplace_back([&] {
            for (std::size_t task; (task = next++) < tasks;)
                parts[task] = one.run(task);
        });
    for (auto &thread : threads)
        thread.join();

    double pi = 0;
    for (const double part : parts)
        pi += part;
    std::size_t failed = 0;
    for (std::size_t i = 0; i < workers; i++) {
        std::printf("worker %zu ran %zu tasks\n", i, pool[i].done());
        failed += pool[i].failed();
    }
    const double off = std::fabs(pi - 3.14159265358979);
    std::printf("pi is %.6f, off by %.1e, %zu jobs failed\n", pi, off, failed);
    return failed == 0 && off < 1e-5 ? 0 : 1;
}

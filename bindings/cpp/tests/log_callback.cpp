// Any callable gets the log; it is kept alive until the next set_log, which frees it and after
// which it is no longer called. Set from inside itself it is refused.
#include "setup.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace {

void open_and_close() {
    auto options = test_options();
    options.cache_dir = "/dev/null/no/cache"; // worth a line: it can't be made
    const auto runtime = MUST(rota::runtime::open(options));
}

} // namespace

int main() {
    std::mutex lock;
    std::string all;
    std::atomic<int> wrong{0}, inside{0};
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> alive = token;
    const auto listener = [&, token = std::move(token)](rota::log_level level,
                                                        std::string_view text) {
        const std::lock_guard<std::mutex> guard(lock);
        wrong += *token != 7 || level == rota::log_level::off || level > rota::log_level::debug;
        const auto again = rota::set_log(rota::log_level::info, nullptr);
        inside += !again && again.error() == rota::status::wrong_state;
        all.append(text).append("\n");
    };
    MUST(rota::set_log(rota::log_level::debug, listener));
    open_and_close();
    CHECK(all.find("/dev/null/no/cache") != std::string::npos);
    EQUAL(wrong, 0);
    CHECK(inside > 0);

    FAILS(rota::set_log(static_cast<rota::log_level>(99), listener), rota::status::invalid_argument,
          "99");
    const auto before = all.size();
    open_and_close();
    CHECK(all.size() > before); // what was refused changed nothing

    const long users = alive.use_count();
    MUST(rota::unset_log());
    EQUAL(alive.use_count(), users - 1);
    const auto now = all.size();
    open_and_close();
    EQUAL(all.size(), now);

#if ROTA_HPP_EXCEPTIONS
    std::atomic<int> thrown{0};
    MUST(rota::set_log(rota::log_level::debug, [&](rota::log_level, std::string_view) {
        thrown++;
        throw 1;
    }));
    open_and_close();
    CHECK(thrown > 0);
#endif
    // Left set: the process ends while the log still has a listener.
    static int lines = 0;
    MUST(rota::set_log(rota::log_level::info, [](auto, auto) { lines++; }));
    return 0;
}

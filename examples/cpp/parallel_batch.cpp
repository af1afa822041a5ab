// A parallel batch with futures: the text of this program, many times over, is cut into pieces;
// each piece's letters are counted by a job, each count is a future, and the totals are checked on
// the CPU.
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <rota/rota.hpp>
#include <string>
#include <vector>

namespace {

constexpr std::size_t pieces = 256;
constexpr std::size_t piece_bytes = 64 << 10;

std::vector<unsigned char> some_text() {
    std::ifstream file(__FILE__);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (text.empty())
        text = "The quick brown fox jumps over the lazy dog.\n";
    std::vector<unsigned char> all(pieces * piece_bytes);
    for (std::size_t i = 0; i < all.size(); i++)
        all[i] = static_cast<unsigned char>(text[i % text.size()]);
    return all;
}

double ms_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
}

} // namespace

int main() {
    const auto bytes = some_text();
    const auto runtime = rota::runtime::open().value();
    const auto tenant = runtime.create_tenant().value();
    const auto text = tenant.create_buffer_of(bytes).value();
    const auto counts = tenant.create_buffer<std::uint32_t>(pieces * 256).value();

    const auto start = std::chrono::steady_clock::now();
    rota::poller poller(tenant);
    std::vector<std::future<rota::result<rota::completion>>> futures;
    for (std::size_t i = 0; i < pieces; i++)
        futures.push_back(poller.future(rota::jobs::histogram_u8(
            text.part(i * piece_bytes, piece_bytes), counts.part(i * 256, 256))));
    poller.run().value(); // on this thread; a thread of its own would do as well
    for (auto &future : futures) {
        const auto done = future.get().value();
        if (!done.ok()) {
            std::printf("a job failed: %s\n", done.message());
            return 1;
        }
    }
    const double device_ms = ms_since(start);

    std::array<std::uint64_t, 256> totals{}, wanted{};
    const auto all = counts.read().value();
    for (std::size_t i = 0; i < all.size(); i++)
        totals[i % 256] += all[i];
    for (const unsigned char byte : bytes)
        wanted[byte]++;
    for (const char *letter = "etaoin"; *letter != 0; letter++)
        std::printf("%c %8llu\n", *letter,
                    static_cast<unsigned long long>(totals[static_cast<unsigned char>(*letter)]));
    std::printf("%zu jobs over %zu MiB in %.1f ms: %s\n", pieces, bytes.size() >> 20, device_ms,
                totals == wanted ? "they agree with the CPU" : "WRONG");
    return totals == wanted ? 0 : 1;
}

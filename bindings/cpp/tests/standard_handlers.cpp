// Each function of rota::jobs gives what the same loop on the CPU gives, on whole buffers and on
// slices that begin anywhere.
#include "setup.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace {

constexpr std::size_t n = 10000;
constexpr std::size_t first = 3;
constexpr std::size_t count = 7777;

void must_be_ok(const rota::tenant &tenant, const rota_job &job) {
    const auto done = MUST(tenant.run(job));
    if (!done.ok())
        std::fprintf(stderr, "opcode %u: %s\n", job.opcode, done.message());
    CHECK(done.ok());
}

void words(const rota::tenant &tenant) {
    std::vector<std::uint32_t> a(n), b(n, 1);
    for (std::size_t i = 0; i < n; i++)
        a[i] = static_cast<std::uint32_t>(i * 2654435761u);
    const auto src = MUST(tenant.create_buffer_of(a));
    const auto dst = MUST(tenant.create_buffer_of(b));

    must_be_ok(tenant, rota::jobs::copy(src.part(first, count), dst.part(first + 1, count)));
    std::copy_n(a.begin() + first, count, b.begin() + first + 1);
    CHECK(MUST(dst.read()) == b);
    must_be_ok(tenant, rota::jobs::fill(dst.part(5, 100), 0xabcdu));
    std::fill_n(b.begin() + 5, 100, 0xabcdu);
    CHECK(MUST(dst.read()) == b);
    must_be_ok(tenant, rota::jobs::copy(src, dst));
    CHECK(MUST(dst.read()) == a);

    const auto sum = MUST(tenant.run(rota::jobs::sum_u32(src.part(first, count))));
    EQUAL(sum.u64(), std::accumulate(a.begin() + first, a.begin() + first + count, 0ull));
    const auto range = MUST(tenant.run(rota::jobs::min_max_u32(src)));
    EQUAL(range.results[0], *std::min_element(a.begin(), a.end()));
    EQUAL(range.results[1], *std::max_element(a.begin(), a.end()));
}

void floats(const rota::tenant &tenant) {
    std::vector<float> x(n), y(n);
    for (std::size_t i = 0; i < n; i++) {
        x[i] = static_cast<float>(i % 1000) * 0.25f;
        y[i] = static_cast<float>(i % 77);
    }
    const auto from = MUST(tenant.create_buffer_of(x));
    const auto to = MUST(tenant.create_buffer_of(y));
    must_be_ok(tenant, rota::jobs::saxpy(2.5f, from.part(first, count), to.part(first, count)));
    for (std::size_t i = first; i < first + count; i++)
        y[i] += 2.5f * x[i];
    CHECK(MUST(to.read()) == y);
    must_be_ok(tenant, rota::jobs::fill(to.part(0, 2), -1.0f));
    CHECK(MUST(to.read())[1] == -1.0f);

    const auto job = rota::jobs::sum_f32(from.part(first, count), to.part(7, 0));
    const std::uint32_t tiles = job.raw().tiles;
    must_be_ok(tenant, job);
    std::vector<float> sums(tiles);
    MUST(to.read(sums, 7));
    const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
    const double exact = std::accumulate(x.begin() + first, x.begin() + first + count, 0.0);
    CHECK(std::fabs(sum - exact) <= exact * 1e-5);
}

void bytes(const rota::tenant &tenant) {
    std::vector<std::uint8_t> text(n);
    for (std::size_t i = 0; i < n; i++)
        text[i] = static_cast<std::uint8_t>(i * i);
    const auto src = MUST(tenant.create_buffer_of(text));
    const auto counts = MUST(tenant.create_buffer<std::uint32_t>(256));
    must_be_ok(tenant, rota::jobs::histogram_u8(src.part(first, count), counts));
    std::vector<std::uint32_t> wanted(256);
    for (std::size_t i = first; i < first + count; i++)
        wanted[text[i]]++;
    CHECK(MUST(counts.read()) == wanted);
}

// The table of docs/c-api.md for one pattern, "a": two states, two classes.
std::vector<std::uint32_t> table_for_a() {
    std::vector<std::uint32_t> table(72);
    table[0] = 0x52444641;
    table[1] = 2; // states
    table[2] = 2; // classes
    table[3] = 1; // patterns
    table[4] = 1; // bytes of the longest
    table[8 + 'a' / 4] = 1u << ('a' % 4 * 8);
    const std::uint32_t end = 0x80000000;
    const auto append = [&](std::size_t place, std::vector<std::uint32_t> part) {
        table[place] = static_cast<std::uint32_t>(table.size());
        table.insert(table.end(), part.begin(), part.end());
    };
    append(5, {0, 1 | end, 0, 1 | end});
    append(6, {0, 0, 1});
    append(7, {0});
    return table;
}

void scan(const rota::tenant &tenant) {
    const std::string_view text = "banana, a bandana and an anagram";
    const auto wanted = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), 'a'));
    const auto src = MUST(tenant.create_buffer_of(text));
    const auto dfa = MUST(tenant.create_buffer_of(table_for_a()));
    const auto counts = MUST(tenant.create_buffer<std::uint32_t>(4));
    const auto done = MUST(tenant.run(rota::jobs::scan_dfa(src, dfa, counts.part(2, 1))));
    CHECK(done.ok());
    EQUAL(done.u64(), wanted);
    EQUAL(MUST(counts.read())[2], wanted);

    const auto positions = MUST(tenant.create_buffer<std::uint32_t>(1 + 2 * 32));
    must_be_ok(tenant, rota::jobs::scan_dfa(src, dfa, counts, positions));
    const auto found = MUST(positions.read());
    EQUAL(found[0], wanted);
    std::vector<std::uint32_t> ends;
    for (std::size_t i = 0; i < wanted; i++)
        ends.push_back(found[1 + 2 * i]);
    std::sort(ends.begin(), ends.end());
    EQUAL(ends[0], text.find('a') + 1);
    EQUAL(ends.back(), text.rfind('a') + 1);
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    words(tenant);
    floats(tenant);
    bytes(tenant);
    scan(tenant);
    EQUAL(MUST(tenant.run(rota::jobs::spin(3, 1))).results[0],
          ((1u * 1664525 + 1013904223) * 1664525 + 1013904223) * 1664525 + 1013904223);

    // A target that ends too early faults the job; nothing is cut silently.
    const auto two = MUST(tenant.create_buffer<std::uint32_t>(8));
    const auto late = MUST(tenant.run(rota::jobs::copy(two, two.part(4, 8))));
    CHECK(late.why() == rota::fault::out_of_bounds);
    const auto beyond = MUST(tenant.run(rota::jobs::fill(two.part(std::size_t{1} << 32, 1), 1u)));
    CHECK(beyond.why() == rota::fault::out_of_bounds);
    return 0;
}

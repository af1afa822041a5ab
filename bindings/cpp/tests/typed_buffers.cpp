// Buffers count in elements: create, write, read, fill, map, import, adopt; what lies outside is
// out_of_range and changes nothing.
#include "setup.hpp"

#include <array>
#include <memory>
#include <unistd.h>
#include <vector>

namespace {

struct point {
    float x, y;
    std::uint16_t colour;
    std::uint16_t alpha;
};

void elements(const rota::tenant &tenant) {
    const auto points = MUST(tenant.create_buffer<point>(100));
    EQUAL(points.size(), 100);
    EQUAL(points.size_bytes(), 1200);
    const std::array<point, 2> two{{{1, 2, 3, 4}, {5, 6, 7, 8}}};
    MUST(points.write(two, 98));
    const auto all = MUST(points.read());
    EQUAL(all.size(), 100);
    CHECK(all[97].x == 0 && all[98].y == 2 && all[99].alpha == 8);
    point one[1];
    MUST(points.read(one, 99));
    CHECK(one[0].x == 5);

    FAILS(points.write(two, 99), rota::status::out_of_range, "");
    FAILS(points.read(one, 100), rota::status::out_of_range, "");
    // first * 12 wraps to a small number in 64 bits; the position is out of range all the same.
    FAILS(points.read(one, (std::size_t{1} << 62) + 1), rota::status::out_of_range, "");
    FAILS(points.fill_bytes(1, 99, 2), rota::status::out_of_range, "");
    FAILS(tenant.create_buffer<point>(0), rota::status::invalid_argument, "");
    FAILS(tenant.create_buffer<point>(~std::size_t{0}), rota::status::out_of_device_memory, "");
    CHECK(MUST(points.read())[99].alpha == 8);

    MUST(points.fill_bytes(0xff, 10, 1));
    const auto filled = MUST(points.read());
    EQUAL(filled[9].colour, 0);
    EQUAL(filled[10].colour, 0xffff);
    EQUAL(filled[11].colour, 0);
    MUST(points.fill_bytes(0));
    EQUAL(MUST(points.read())[10].colour, 0);
}

void of_containers(const rota::tenant &tenant) {
    const std::vector<std::uint32_t> vector{1, 2, 3};
    const std::uint32_t array[] = {4, 5};
    const auto a = MUST(tenant.create_buffer_of(vector));
    const auto b = MUST(tenant.create_buffer_of(array));
    EQUAL(a.size(), 3);
    EQUAL(MUST(b.read())[1], 5);
    FAILS(tenant.create_buffer_of(std::vector<float>()), rota::status::invalid_argument, "");

    const auto locked = MUST(tenant.create_buffer_of(vector, rota::access::read_only));
    const auto refused = MUST(tenant.run(rota::jobs::fill(locked, 9u)));
    CHECK(refused.outcome() == rota::completion_status::faulted);
    CHECK(refused.why() == rota::fault::read_only);
    CHECK(std::strcmp(refused.message(), rota::text(rota::fault::read_only)) == 0);
    EQUAL(MUST(locked.read())[0], 1);
}

void mapped(const rota::tenant &tenant) {
    auto buffer = MUST(tenant.create_buffer<std::uint32_t>(1000));
    auto seen = buffer.map();
    if (!seen) { // memory that the host can't reach
        CHECK(seen.error() == rota::status::unsupported);
        return;
    }
    EQUAL(seen->size(), 1000);
    (*seen)[7] = 70;
    FAILS(buffer.close(), rota::status::wrong_state, "");
    const auto done = MUST(tenant.run(rota::jobs::copy(buffer.part(7, 1), buffer.part(8, 1))));
    CHECK(done.ok());
    EQUAL(seen->data()[8], 70);
    std::uint64_t sum = 0;
    for (const std::uint32_t word : *seen)
        sum += word;
    EQUAL(sum, 140);
    MUST(seen->unmap());
    MUST(seen->unmap()); // it has none any more
    EQUAL(seen->size(), 0);
    MUST(buffer.close());
}

void imported(const rota::tenant &tenant) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(page, page), std::free);
    auto *const words = static_cast<std::uint32_t *>(memory.get());
    std::memset(words, 0, page);
    auto buffer = tenant.import_buffer(rota::span<std::uint32_t>(words, page / 4));
    if (!buffer) {
        CHECK(buffer.error() == rota::status::unsupported);
        return;
    }
    EQUAL(buffer->size(), page / 4);
    CHECK(MUST(tenant.run(rota::jobs::fill(*buffer, 5u))).ok());
    EQUAL(words[page / 4 - 1], 5); // without a copy
    FAILS(tenant.import_buffer(rota::span<std::uint32_t>(words + 1, page / 4)),
          rota::status::invalid_argument, "");
    MUST(buffer->close());
    still_works(tenant);
}

void adopted(const rota::tenant &tenant) {
    rota_buffer raw = 0;
    EQUAL(::rota_buffer_create(tenant.native(), 40, 0, &raw, nullptr), ROTA_STATUS_OK);
    FAILS(tenant.adopt_buffer<point>(raw), rota::status::invalid_argument, "");
    {
        const auto own = MUST(tenant.adopt_buffer<double>(raw));
        EQUAL(own.size(), 5);
        EQUAL(own.id(), raw);
    }
    FAILS(tenant.adopt_buffer<double>(raw), rota::status::invalid_handle, "");
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    auto tenant = create_tenant(runtime);
    elements(tenant);
    of_containers(tenant);
    mapped(tenant);
    adopted(tenant);
    imported(tenant);
    MUST(tenant.close());
    return 0;
}

// read_into reads many ranges at once into memory that is kept: entries come out as typed spans,
// and a second use allocates nothing.
#include "setup.hpp"

#include <vector>

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    const auto words = MUST(tenant.create_buffer_of(std::vector<std::uint32_t>{1, 2, 3, 4}));
    const auto reals = MUST(tenant.create_buffer_of(std::vector<double>{0.5, 1.5}));
    auto read = MUST(rota::outputs::create());
    FAILS(read.get(0), rota::status::out_of_range, "");

    const rota::read_range ranges[] = {words.part(1, 2), reals, words.part(4, 0)};
    MUST(tenant.read_into(ranges, read));
    const auto some = MUST(read.get<std::uint32_t>(0));
    EQUAL(some.size(), 2);
    EQUAL(some[1], 3);
    CHECK(MUST(read.get<double>(1))[1] == 1.5);
    EQUAL(MUST(read.get(1)).size(), 16);
    EQUAL(MUST(read.get<float>(2)).size(), 0);
    FAILS(read.get<double[3]>(1), rota::status::invalid_argument, "");
    FAILS(read.get(3), rota::status::out_of_range, "");

    EQUAL(MUST(read.stats()).slots_appended, 3);
    MUST(tenant.read_into(ranges, read));
    const auto stats = MUST(read.stats());
    EQUAL(stats.slots_reused, 3);
    EQUAL(stats.bytes_appended + stats.bytes_moved, 0);

    const rota::read_range beyond[] = {words.part(3, 2)};
    FAILS(tenant.read_into(beyond, read), rota::status::out_of_range, "");
    FAILS(tenant.read_into({}, read), rota::status::invalid_argument, "");
    return 0;
}

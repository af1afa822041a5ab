// What every C++ consumer project builds: as consumer.c, through rota.hpp.
#include <cstdio>
#include <cstring>

#include <rota/rota.hpp>

int main() {
    auto runtime = rota::runtime::open();
    if (!runtime) {
        std::fprintf(stderr, "%s\n", runtime.error().message());
        return 1;
    }
    if (std::strcmp(rota::library_version_text(), EXPECTED_VERSION) != 0) {
        std::fprintf(stderr, "version %s, expected %s\n", rota::library_version_text(),
                     EXPECTED_VERSION);
        return 1;
    }
    auto tenant = runtime->create_tenant().value();
    auto done = tenant.run(rota::jobs::nop(7, 9).user_data(42)).value();
    if (!done.ok() || done.results[0] != 7 || done.results[1] != 9 || done.user_data != 42) {
        std::fprintf(stderr, "the completion is wrong: %s, results %u %u\n", done.message(),
                     static_cast<unsigned>(done.results[0]),
                     static_cast<unsigned>(done.results[1]));
        return 1;
    }
    std::printf("Rota %s: one job done from C++\n", rota::library_version_text());
    return 0;
}

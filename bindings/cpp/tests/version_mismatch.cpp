// A library of another version than the header's is refused when a runtime or a recording is
// opened, by a message that names both; another patch version is not.
#include "setup.hpp"

namespace {
std::uint32_t pretended = 0;
}

// Stands before the library's for the whole program.
extern "C" std::uint32_t rota_version(void) { return pretended; }

int main() {
    pretended = (ROTA_VERSION_MAJOR + 1) << 16;
    FAILS(rota::runtime::open(test_options()), rota::status::unsupported, "the header of Rota 0.1");
    FAILS(rota::runtime::open(test_options()), rota::status::unsupported,
          rota::library_version_text());
    FAILS(rota::recording::open("log"), rota::status::unsupported, "the header of Rota 0.1");
    FAILS(rota::replay::run({}), rota::status::unsupported, "the header of Rota 0.1");
    pretended = ROTA_VERSION_MAJOR << 16 | (ROTA_VERSION_MINOR + 1) << 8;
    if (ROTA_VERSION_MAJOR == 0)
        FAILS(rota::runtime::open(test_options()), rota::status::unsupported, "0.1");
    else
        MUST(rota::runtime::open(test_options()));
    pretended = ROTA_VERSION_MAJOR << 16 | ROTA_VERSION_MINOR << 8 | 99;
    still_works(create_tenant(open_runtime()));
    return 0;
}

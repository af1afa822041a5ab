// The whole way of one job: open a device, get a tenant, run a job, print.
//
//     c++ -std=c++17 hello.cpp $(pkg-config --cflags --libs rota) -o hello && ./hello
#include <cstdio>
#include <rota/rota.hpp>

int main() {
    auto runtime = rota::runtime::open().value(); // the best device, every default
    auto tenant = runtime.create_tenant().value();
    auto done = tenant.run(rota::jobs::nop(20, 22)).value();
    std::printf("%u + %u came back, %s\n", done.results[0], done.results[1], done.message());
    return done.ok() && done.results[0] + done.results[1] == 42 ? 0 : 1;
}

// One part; PART is the name of its function, which gives the name of its dialect, or NULL if
// something doesn't work.
#include <rota/rota.hpp>

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

const char *PART();

const char *PART() {
    auto runtime = rota::runtime::open();
    if (!runtime)
        return nullptr;
    auto tenant = runtime->create_tenant();
    if (!tenant)
        return nullptr;
    const float data[] = {1, 2, 3};
    auto buffer = tenant->create_buffer_of(data);
    rota::poller loop(*tenant);
    auto answer = loop.future(rota::jobs::saxpy(1.0f, *buffer, *buffer));
    if (!loop.run() || !answer.get()->ok())
        return nullptr;
    auto back = buffer->read();
    return back && (*back)[2] == 6 ? TEXT(ROTA_HPP_DIALECT) : nullptr;
}

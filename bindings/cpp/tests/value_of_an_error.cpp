// value() of an error throws rota::exception with the whole error; where exceptions are off, it
// prints status and message and aborts.
#include "check.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace {

rota::result<int> refused() {
    rota_error *object = nullptr;
    const rota_status code = ::rota_runtime_get_info(nullptr, nullptr, &object);
    return rota::error(code, object);
}

#if ROTA_HPP_EXCEPTIONS

void ends() {
    bool thrown = false;
    try {
        static_cast<void>(refused().value());
    } catch (const rota::exception &caught) {
        thrown = true;
        const rota::exception copy = caught;
        CHECK(copy.why() == rota::status::null_pointer);
        CHECK(std::strlen(copy.what()) > 8 && copy.what() == caught.what());
    }
    CHECK(thrown);
    try {
        auto kept = refused();
        static_cast<void>(kept.value());
        thrown = false;
    } catch (const std::exception &caught) {
        CHECK(std::strstr(caught.what(), "runtime") != nullptr);
    }
    try {
        rota::result<void>(rota::error(rota::status::timeout)).value();
        thrown = false;
    } catch (const rota::exception &caught) {
        CHECK(caught.why() == rota::status::timeout);
    }
    CHECK(thrown);
}

#else

void ends() {
    int pipes[2];
    CHECK(::pipe(pipes) == 0);
    const pid_t child = ::fork();
    CHECK(child >= 0);
    if (child == 0) {
        ::dup2(pipes[1], STDERR_FILENO);
        static_cast<void>(refused().value());
        ::_exit(0);
    }
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char said[512] = {};
    CHECK(::read(pipes[0], said, sizeof said - 1) > 0);
    CHECK(std::strstr(said, "rota: ROTA_STATUS_NULL_POINTER: ") == said);
    CHECK(std::strstr(said, "runtime") != nullptr);
}

#endif

} // namespace

int main() {
    ends();
    rota::result<int> fine = 3;
    EQUAL(fine.value(), 3);
    EQUAL(rota::result<int>(4).value(), 4);
    rota::result<void>().value();
    return 0;
}

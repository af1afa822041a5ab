// Rota for C++17 and later: the C API of rota.h with types, ownership and co_await, in headers
// only. Link against librota.
//
//     auto runtime = rota::runtime::open().value();
//     auto tenant = runtime.create_tenant().value();
//     auto done = tenant.run(rota::jobs::nop(20, 22)).value();
//
// Errors      A call that can fail returns rota::result<T>: the value or a rota::error. Nothing
//             else throws, except the standard library where it has no memory; value() turns the
//             error into a rota::exception, or aborts with its message where exceptions are off.
// Ownership   Runtimes, tenants, modules, buffers, mappings, reservations, outputs, recordings,
//             replays and providers of metrics are owned by move-only objects. What was made of an
//             object keeps it alive.
//             Moved from, an object is none: its calls give null_pointer. After close() they give
//             invalid_handle.
// Threads     As in C: any call from any thread. Moving, assigning and destroying an object are the
//             program's to order, as with every C++ object.
// Cost        submit, poll, wait, cancel and state are inline forwards to C.
// Statuses, units and what each call does: rota.h.
#ifndef ROTA_HPP
#define ROTA_HPP

#include <rota/buffer.hpp>
#include <rota/config.hpp>
#include <rota/job.hpp>
#include <rota/jobs.hpp>
#include <rota/log.hpp>
#include <rota/metrics.hpp>
#include <rota/module.hpp>
#include <rota/outputs.hpp>
#include <rota/poller.hpp>
#include <rota/quota.hpp>
#include <rota/recorder.hpp>
#include <rota/recording.hpp>
#include <rota/replay.hpp>
#include <rota/result.hpp>
#include <rota/runtime.hpp>
#include <rota/span.hpp>
#include <rota/spans.hpp>
#include <rota/tenant.hpp>
#include <rota/types.hpp>

#endif

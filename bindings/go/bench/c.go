// What C does, for comparison: the same batches, in this process, on a runtime of its own.

package main

// #cgo pkg-config: rota
// #define _POSIX_C_SOURCE 200809L
// #include <rota/rota.h>
// #include <stdlib.h>
// #include <time.h>
//
// enum { BATCH = 256 };
//
// static rota_runtime *runtime;
// static rota_tenant *tenant;
//
// static int c_open(void) {
//     return rota_runtime_open(NULL, &runtime, NULL) == ROTA_STATUS_OK &&
//            rota_tenant_create(runtime, NULL, &tenant, NULL) == ROTA_STATUS_OK;
// }
//
// static void c_close(void) { rota_runtime_destroy(runtime, NULL); }
//
// static int64_t now_ns(void) {
//     struct timespec now;
//     clock_gettime(CLOCK_MONOTONIC, &now);
//     return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
// }
//
// /* Submits `rounds` batches and takes their completions; writes what each submit took. */
// static int c_publish(int64_t *samples_ns, size_t rounds) {
//     static rota_job jobs[BATCH];
//     static rota_ticket tickets[BATCH];
//     static rota_completion done[BATCH];
//     for (size_t i = 0; i < BATCH; i++)
//         jobs[i] = (rota_job){.opcode = ROTA_OP_NOP, .tiles = 1, .user_data = i};
//     for (size_t r = 0; r < rounds; r++) {
//         size_t accepted, count;
//         int64_t before = now_ns();
//         rota_status status = rota_submit(tenant, jobs, BATCH, tickets, &accepted, NULL);
//         samples_ns[r] = now_ns() - before;
//         if (status != ROTA_STATUS_OK)
//             return 0;
//         for (size_t taken = 0; taken < BATCH; taken += count) {
//             if (rota_poll(tenant, done, BATCH, ROTA_WAIT_SPIN, ROTA_FOREVER, &count, NULL) !=
//                 ROTA_STATUS_OK)
//                 return 0;
//         }
//     }
//     return 1;
// }
//
// /* Submits single jobs and waits for each; writes what there and back took. */
// static int c_round_trips(int64_t *samples_ns, size_t rounds) {
//     rota_job job = {.opcode = ROTA_OP_NOP, .tiles = 1};
//     for (size_t r = 0; r < rounds; r++) {
//         size_t accepted;
//         rota_ticket ticket;
//         rota_completion done;
//         int64_t before = now_ns();
//         if (rota_submit(tenant, &job, 1, &ticket, &accepted, NULL) != ROTA_STATUS_OK ||
//             rota_wait(tenant, ticket, ROTA_WAIT_SPIN, ROTA_FOREVER, &done, NULL) != ROTA_STATUS_OK)
//             return 0;
//         samples_ns[r] = now_ns() - before;
//     }
//     return 1;
// }
import "C"

import (
	"errors"
	"unsafe"
)

const batchJobs = C.BATCH

var errC = errors.New("bench: a call of the C loop failed")

func openC() error {
	if C.c_open() == 0 {
		return errC
	}
	return nil
}

func closeC() { C.c_close() }

func publishC(samples []int64) error {
	if C.c_publish((*C.int64_t)(unsafe.Pointer(&samples[0])), C.size_t(len(samples))) == 0 {
		return errC
	}
	return nil
}

func roundTripsC(samples []int64) error {
	if C.c_round_trips((*C.int64_t)(unsafe.Pointer(&samples[0])), C.size_t(len(samples))) == 0 {
		return errC
	}
	return nil
}

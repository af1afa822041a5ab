// The library's log messages, handed to a slog.Logger.

package rota

// #include "shim.h"
import "C"

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// LevelTrace is below slog.LevelDebug: what happens often, such as leases.
const LevelTrace = slog.LevelDebug - 4

var (
	logger   atomic.Pointer[slog.Logger]
	settings sync.Mutex // one SetLog at a time, so that logger and level fit together
)

// SetLog hands the log messages of the library, for the whole process, to a logger, as far as that
// is enabled for their level when SetLog is called; nil ends it. The logger is called from any
// thread, also from several at once; it must not call into this package. When SetLog returns, the
// logger set before is not called any more.
func SetLog(to *slog.Logger) error {
	settings.Lock()
	defer settings.Unlock()
	level := C.uint32_t(C.ROTA_LOG_OFF)
	if to != nil {
		level = levelOf(to)
	}
	before := logger.Swap(to)
	var object *C.rota_error
	status := C.rota_go_log_set(level, &object)
	if status != C.ROTA_STATUS_OK {
		logger.Store(before)
	}
	return callError(status, object)
}

// levelOf is the most talkative level that the logger wants.
func levelOf(to *slog.Logger) C.uint32_t {
	for level := C.uint32_t(C.ROTA_LOG_TRACE); level > C.ROTA_LOG_OFF; level-- {
		if to.Enabled(context.Background(), slogLevel(level)) {
			return level
		}
	}
	return C.ROTA_LOG_OFF
}

func slogLevel(level C.uint32_t) slog.Level {
	switch level {
	case C.ROTA_LOG_ERROR:
		return slog.LevelError
	case C.ROTA_LOG_WARN:
		return slog.LevelWarn
	case C.ROTA_LOG_INFO:
		return slog.LevelInfo
	case C.ROTA_LOG_DEBUG:
		return slog.LevelDebug
	}
	return LevelTrace
}

//export rotaGoLog
func rotaGoLog(level C.uint32_t, text *C.char, length C.size_t) {
	if to := logger.Load(); to != nil {
		to.Log(context.Background(), slogLevel(level), C.GoStringN(text, C.int(length)), "source", "rota")
	}
}

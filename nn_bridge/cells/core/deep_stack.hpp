// A call on a stack of any depth, for recursions as deep as a network has units.
#pragma once
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <thread>
#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "watch.hpp"

namespace puiseux::cells {

/// Call f in a thread with a stack of at least so many bytes, and wait; meanwhile this thread asks whether to end.
inline void with_deep_stack(size_t bytes, Watch& watch, const std::function<void()>& f) {
    struct Call {
        const std::function<void()>& f;
        std::exception_ptr error{};
        std::mutex mutex{};
        std::condition_variable ended{};
        bool done = false;

        void run() {
            try {
                f();
            } catch (...) {
                error = std::current_exception();
            }
            const std::lock_guard lock(mutex);
            done = true;
            ended.notify_all();
        }
    } call{f};
    watch.others_ask = true;
#if defined(_WIN32)
    std::thread thread([&] { call.run(); });
#else
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (bytes + (size_t{1} << 20)) / 65536 * 65536);
    pthread_t thread;
    const int failed = pthread_create(&thread, &attributes, [](void* p) -> void* { return static_cast<Call*>(p)->run(), nullptr; }, &call);
    pthread_attr_destroy(&attributes);
    if (failed) throw std::bad_alloc();
#endif
    {
        std::unique_lock lock(call.mutex);
        while (!call.ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return call.done; })) {
            lock.unlock();
            watch.ask_from_outside();
            lock.lock();
        }
    }
#if defined(_WIN32)
    thread.join();
#else
    pthread_join(thread, nullptr);
#endif
    watch.others_ask = false;
    if (call.error) std::rethrow_exception(call.error);
}

}  // namespace puiseux::cells

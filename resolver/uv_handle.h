#pragma once

#include <uv.h>

#include <utility>

namespace namegate::resolver {

// The one owner of an initialised libuv handle. libuv may still touch a handle until its close
// callback, so the memory is freed there and not before (docs: uv_close()). Set handle->data to the
// owner; after Reset() no callback of the handle runs any more.
template <typename T>
class UvHandle {
 public:
  UvHandle() = default;
  UvHandle(UvHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  UvHandle& operator=(UvHandle&& other) noexcept {
    if (this != &other) {
      Reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~UvHandle() { Reset(); }

  // Makes a handle and initialises it with `init(T*)`, one of libuv's …_init functions bound to its
  // loop. Returns libuv's code; on failure there is no handle.
  template <typename Init>
  int Make(void* owner, Init init) {
    Reset();
    T* handle = new T{};
    const int code = init(handle);
    if (code != 0) {
      delete handle;
      return code;
    }
    handle->data = owner;
    handle_ = handle;
    return 0;
  }

  T* get() const { return handle_; }
  T* operator->() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

  void Reset() {
    if (handle_ == nullptr) return;
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(handle_, nullptr)),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }

  uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(handle_); }

 private:
  T* handle_ = nullptr;
};

}  // namespace namegate::resolver

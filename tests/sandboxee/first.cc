// A library that does nothing, but is linked so that its constructors run before all others'.

namespace {

__attribute__((constructor)) void Nothing() {}

}  // namespace

# What goes round a cooperative gate, for the tests of the enclave.
set(enclave_sandboxees
  enclave_datagrams
  enclave_descriptors
  enclave_doors
  enclave_escape
  enclave_exchange
  enclave_many
  enclave_static
  enclave_unix)

foreach(name IN LISTS enclave_sandboxees)
  add_executable(sandboxee_${name} ${name}.cc)
  target_link_libraries(sandboxee_${name} PRIVATE namegate_build_plain)
  list(APPEND programs sandboxee_${name})
endforeach()
target_link_options(sandboxee_enclave_static PRIVATE -static)

# What goes round a cooperative gate, for the tests of the enclave.
set(enclave_sandboxees
  enclave_datagrams
  enclave_descriptors
  enclave_dlmopen
  enclave_doors
  enclave_escape
  enclave_exact
  enclave_exchange
  enclave_fill
  enclave_flood
  enclave_int80
  enclave_large
  enclave_many
  enclave_mptcp
  enclave_options
  enclave_packets
  enclave_ping
  enclave_static
  enclave_uncover
  enclave_unix
  enclave_unshare)

foreach(name IN LISTS enclave_sandboxees)
  add_executable(sandboxee_${name} ${name}.cc)
  target_link_libraries(sandboxee_${name} PRIVATE namegate_build_plain)
  list(APPEND programs sandboxee_${name})
endforeach()
foreach(name IN ITEMS enclave_fill enclave_int80 enclave_large enclave_options enclave_static)
  target_link_options(sandboxee_${name} PRIVATE -static)
endforeach()

# A program for i386 takes an assembler and a linker, and no library.
find_program(ASSEMBLER as)
find_program(LINKER ld)
if(ASSEMBLER AND LINKER AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(i386 ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/sandboxee_enclave_i386)
  add_custom_command(OUTPUT ${i386}
    COMMAND ${ASSEMBLER} --32 -o ${i386}.o ${CMAKE_CURRENT_SOURCE_DIR}/enclave_i386.s
    COMMAND ${LINKER} -m elf_i386 -o ${i386} ${i386}.o
    DEPENDS enclave_i386.s)
  add_custom_target(sandboxee_enclave_i386 DEPENDS ${i386})
  list(APPEND programs sandboxee_enclave_i386)
endif()

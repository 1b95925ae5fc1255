namegate_test(doctor_test
  SOURCES
    command_harness.cc
    doctor_test.cc
  LIBRARIES namegate_test_support
  PROGRAMS namegate namegated namegate_preload sandboxees)
add_library(clock_ahead MODULE ${PROJECT_SOURCE_DIR}/tests/support/clock_ahead.cc)
target_link_libraries(clock_ahead PRIVATE namegate_build_plain)
namegate_test(enclave_test
  SOURCES
    enclave_attach_test.cc
    enclave_capture.cc
    enclave_connect_test.cc
    enclave_dns_test.cc
    enclave_doors_test.cc
    enclave_ends_test.cc
    enclave_fixture.cc
    enclave_flood_test.cc
    enclave_internet.cc
    enclave_files_test.cc
    enclave_gate_test.cc
    enclave_git_test.cc
    enclave_limits_test.cc
    enclave_programs_test.cc
    enclave_record_test.cc
    enclave_run_test.cc
    enclave_traffic_test.cc
    enclave_udp_test.cc
    enclave_ways_test.cc
  LIBRARIES namegate_dns_test_support namegate_enclave
  PROGRAMS namegate namegated namegate_preload)
if(TARGET enclave_test)
  add_dependencies(enclave_test sandboxees clock_ahead)
endif()

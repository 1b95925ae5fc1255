namegate_test(enclave_test
  SOURCES
    enclave_internet.cc
    enclave_test.cc
  LIBRARIES namegate_dns_test_support namegate_enclave
  PROGRAMS namegate namegated)
if(TARGET enclave_test)
  add_dependencies(enclave_test sandboxees)
endif()

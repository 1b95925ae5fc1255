namegate_test(enclave_packet_test
  SOURCES enclave_packet_test.cc
  LIBRARIES namegate_enclave)

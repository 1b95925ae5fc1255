namegate_test(enclave_packet_test
  SOURCES enclave_packet_test.cc enclave_syn_history_test.cc
  LIBRARIES namegate_enclave)

#include "gate/command/command_line.h"

int main(int argc, char** argv) { return namegate::command::RunCommandLine(argc, argv); }

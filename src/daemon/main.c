/* The program's entry: hands the command line to front/cli. */
#include <stdio.h>

int main(void) {
    fputs("trunkline: no verbs are built in\n", stderr);
    return 2;
}

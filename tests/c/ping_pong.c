// The peer that a link is measured against: sends back 512 bytes when it has them.
//
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

int main(void)
{
    static unsigned char bytes[512];
    for (;;) {
        for (size_t got = 0; got < sizeof bytes;) {
            const ssize_t count = read(0, bytes + got, sizeof bytes - got);
            if (count <= 0) {
                return 0;
            }
            got += (size_t)count;
        }
        if (write(1, bytes, sizeof bytes) != (ssize_t)sizeof bytes) {
            return 1;
        }
    }
}

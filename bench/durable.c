/* The durable limit of this machine: a pixel server of one thread. It reads whatever requests are there, appends a line
 * for each to a file, calls fdatasync once for all of them, and only then answers. It understands nothing but GET.
 *
 *     cc -O2 -o durable bench/durable.c && ./durable <port> <file>
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READY = 256, REQUEST = 4096, RECORD = 400 };

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nCache-Control: no-store\r\n"
                           "Content-Length: 43\r\n\r\n";
static const unsigned char GIF[43] = "GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377!\371\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int listen_at(int port) {
    int handle = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(handle, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); /* so that two processes share the port */
    if (bind(handle, (struct sockaddr *)&at, sizeof at) || listen(handle, 1024)) fail("listen");
    return handle;
}

static void watch(int poll, int handle) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = handle};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, handle, &wanted)) fail("epoll_ctl");
}

int main(int count, char **words) {
    static char request[REQUEST], records[READY * RECORD], answer[sizeof HEAD - 1 + sizeof GIF];
    struct epoll_event ready[READY];
    int asked[READY];
    if (count != 3) return fprintf(stderr, "durable <port> <file>\n"), 2;
    int door = listen_at(atoi(words[1])), poll = epoll_create1(0), on = 1;
    int log = open(words[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log < 0) fail(words[2]);
    memcpy(answer, HEAD, sizeof HEAD - 1);
    memcpy(answer + sizeof HEAD - 1, GIF, sizeof GIF);
    watch(poll, door);
    for (;;) {
        int found = epoll_wait(poll, ready, READY, -1), waiting = 0;
        size_t length = 0;
        for (int i = 0; i < found; i++) {
            int handle = ready[i].data.fd;
            if (handle == door) {
                int caller = accept(door, NULL, NULL);
                if (caller < 0) continue;
                setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                watch(poll, caller);
                continue;
            }
            ssize_t got = read(handle, request, sizeof request);
            if (got <= 0) {
                close(handle);
                continue;
            }
            /* As long as a record of the edge's journal: the request itself, filled up with spaces. */
            char *record = records + length;
            memset(record, ' ', RECORD);
            memcpy(record, request, got < RECORD - 1 ? got : RECORD - 1);
            record[RECORD - 1] = '\n';
            length += RECORD;
            asked[waiting++] = handle;
        }
        if (!length) continue;
        if (write(log, records, length) != (ssize_t)length || fdatasync(log)) fail("append");
        for (int i = 0; i < waiting; i++)
            if (write(asked[i], answer, sizeof answer) != sizeof answer) close(asked[i]);
    }
}

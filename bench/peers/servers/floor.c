/*
 * The floor: what a chunk costs when nothing is done but reading it from Redis and writing it to one socket.
 *   floor <port> <redis port>
 * Viewers open a WebSocket and send one short text frame: the channel. Each message of that sharded channel goes to them as one
 * text frame by one write(2). No checks, no history, no limits: a lower bound for a forwarder, not a server for people.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SOCKETS 65536
#define BUCKETS 16384
#define INBOX (1 << 20)

/* By socket. Viewers of one channel hang together by `next`, channels of one bucket by the `chain` of their first viewers. */
static struct viewer { char name[96]; int open, next, chain; } viewers[SOCKETS];
static int buckets[BUCKETS];
static char inbox[INBOX];
static size_t inboxLength;
static int redis;

static int listenOn(int port) {
  int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s, (struct sockaddr *)&address, sizeof address) || listen(s, 4096)) exit(1);
  return s;
}

static int connectTo(int port) {
  int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(s, (struct sockaddr *)&address, sizeof address)) exit(1);
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return s;
}

static int *find(const char *name, size_t length) {
  unsigned hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  int *at = &buckets[hash % BUCKETS];
  while (*at && (strlen(viewers[*at].name) != length || memcmp(viewers[*at].name, name, length))) at = &viewers[*at].chain;
  return at;
}

static void follow(int socket, const char *name, size_t length) {
  struct viewer *viewer = &viewers[socket];
  int *first = find(name, length);
  memcpy(viewer->name, name, length);
  if (*first) {
    viewer->next = viewers[*first].next;
    viewers[*first].next = socket;
    return;
  }
  *first = socket;
  char command[192];
  int size = snprintf(command, sizeof command, "*2\r\n$10\r\nSSUBSCRIBE\r\n$%zu\r\n%s\r\n", length, viewer->name);
  if (write(redis, command, size) != size) exit(1);
}

static void leave(int socket) {
  struct viewer *viewer = &viewers[socket];
  int *first = find(viewer->name, strlen(viewer->name)), next = viewer->next;
  if (*first == socket) {
    if (next) viewers[next].chain = viewer->chain;
    *first = next ? next : viewer->chain;
  } else
    for (int at = *first; at; at = viewers[at].next)
      if (viewers[at].next == socket) viewers[at].next = next;
  memset(viewer, 0, sizeof *viewer);
  close(socket);
}

static void onViewer(int socket) {
  static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  char data[4096];
  ssize_t size = read(socket, data, sizeof data);
  if (size <= 0) {
    leave(socket);
    return;
  }
  if (!viewers[socket].open) {
    viewers[socket].open = 1;
    if (write(socket, accepted, sizeof accepted - 1) < 0) return;
  } else if (size > 6 && (data[1] & 0x7f) < 95) follow(socket, data + 6, data[1] & 0x7f);
}

static void deliver(const char *channel, size_t channelLength, const char *text, size_t length) {
  unsigned char frame[4 + 4096] = {0x81};
  size_t head = length < 126 ? 2 : 4;
  if (length > 4096) return;
  frame[1] = head == 2 ? length : 126;
  if (head == 4) frame[2] = length >> 8, frame[3] = length & 255;
  memcpy(frame + head, text, length);
  for (int to = *find(channel, channelLength); to; to = viewers[to].next)
    if (write(to, frame, head + length) < 0) viewers[to].open = 0;
}

/* The next line of the inbox as a number, behind its type byte; -1 when it is not whole yet. */
static long line(size_t *at) {
  char *end = memchr(inbox + *at, '\n', inboxLength - *at);
  if (!end) return -1;
  long value = strtol(inbox + *at + 1, NULL, 10);
  *at = end - inbox + 1;
  return value;
}

static void onRedis(void) {
  ssize_t size = read(redis, inbox + inboxLength, INBOX - inboxLength);
  if (size <= 0) exit(1);
  inboxLength += size;
  size_t done = 0;
  for (size_t at = 0; at < inboxLength; done = at) {
    size_t starts[3], lengths[3];
    long parts = line(&at);
    if (parts != 3) break;
    int whole = 1;
    for (int part = 0; part < 3 && whole; part++) {
      char type = at < inboxLength ? inbox[at] : 0;
      long value = type ? line(&at) : -1;
      if (value < 0) whole = 0;
      else if (type == '$') {
        starts[part] = at, lengths[part] = value, at += value + 2;
        if (at > inboxLength) whole = 0;
      }
    }
    if (!whole) break;
    if (lengths[0] == 8) deliver(inbox + starts[1], lengths[1], inbox + starts[2], lengths[2]);
  }
  memmove(inbox, inbox + done, inboxLength - done);
  inboxLength -= done;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int loop = epoll_create1(0), server = listenOn(atoi(arguments[1])), on = 1;
  redis = connectTo(atoi(arguments[2]));
  struct epoll_event event = {.events = EPOLLIN, .data.fd = server}, events[256];
  epoll_ctl(loop, EPOLL_CTL_ADD, server, &event);
  event.data.fd = redis;
  epoll_ctl(loop, EPOLL_CTL_ADD, redis, &event);
  for (;;) {
    int ready = epoll_wait(loop, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int from = events[i].data.fd;
      if (from == redis) onRedis();
      else if (from != server) onViewer(from);
      else {
        int viewer = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        if (viewer < 0 || viewer >= SOCKETS) continue;
        setsockopt(viewer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        event.data.fd = viewer;
        epoll_ctl(loop, EPOLL_CTL_ADD, viewer, &event);
      }
    }
  }
}

/*
 * The roles recv, turns and send of ../roles.go, as near to the kernel as C gets:
 *
 *	neighbor recv  recvmmsg|gro  IP PORT EVERY BUFFER
 *	neighbor turns recvmmsg|gro  IP PORT EVERY BUFFER
 *	neighbor send sendmmsg|gso  SIZE IP PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { BATCH = 64, GRO_BATCH = 8, SEGMENTS = 32, LIFETIME = 600 };

_Noreturn static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static socklen_t address(const char *ip, int port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (void *)ss;
	struct sockaddr_in6 *v6 = (void *)ss;
	memset(ss, 0, sizeof *ss);
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, ip, &v6->sin6_addr) != 1)
		die(ip);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof *v6;
}

static struct mmsghdr messages[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_storage from[BATCH];
static char control[BATCH][64];

static int receiver(int gro, const char *ip, int port, int buffer)
{
	struct sockaddr_storage at;
	int one = 1;
	socklen_t length = address(ip, port, &at);
	int fd = socket(at.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (void *)&at, length) < 0)
		die("bind");
	if (buffer < 0)
		buffer = -buffer, setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
	else if (buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	if (gro && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one) < 0)
		die("UDP_GRO");
	return fd;
}

static void prepare(int gro)
{
	int batch = gro ? GRO_BATCH : BATCH, size = gro ? 65536 : 2048;

	for (int i = 0; i < batch; i++) {
		iov[i].iov_base = malloc(size);
		iov[i].iov_len = size;
		memset(iov[i].iov_base, 0, size);
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &from[i];
	}
}

/* reads, and reports every so many datagrams: once, or for ever */
static void receive(int fd, int gro, long every, int once)
{
	int batch = gro ? GRO_BATCH : BATCH;
	long long got = 0, bytes = 0, next = every;

	for (;;) {
		for (int i = 0; i < batch; i++) {
			messages[i].msg_hdr.msg_namelen = sizeof from[i];
			messages[i].msg_hdr.msg_control = gro ? control[i] : NULL;
			messages[i].msg_hdr.msg_controllen = gro ? sizeof control[i] : 0;
		}
		int n = recvmmsg(fd, messages, batch, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR)
			die("recvmmsg");
		for (int i = 0; i < n; i++) {
			int total = messages[i].msg_len, segment = total;
			struct cmsghdr *c = gro ? CMSG_FIRSTHDR(&messages[i].msg_hdr) : NULL;
			for (; c; c = CMSG_NXTHDR(&messages[i].msg_hdr, c))
				if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
					memcpy(&segment, CMSG_DATA(c), sizeof segment);
			do { /* one datagram at a time, as a user would get them */
				bytes += total < segment ? total : segment;
				if (++got == next) {
					next += every;
					printf("got %lld %lld %lld %lld 0\n", got, bytes,
					       now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID));
					if (once)
						return;
				}
			} while ((total -= segment) > 0);
		}
	}
}

static int take_turns(int gro, const char *ip, int port, long every, int buffer)
{
	struct sockaddr_storage at;
	socklen_t length;
	char command[64];
	int fd = -1;

	while (fgets(command, sizeof command, stdin)) {
		if (!strcmp(command, "open\n")) {
			fd = receiver(gro, ip, port, buffer);
			length = sizeof at;
			getsockname(fd, (void *)&at, &length); /* both families have the port in one place */
			printf("at %d\n", ntohs(((struct sockaddr_in *)&at)->sin_port));
		} else if (!strncmp(command, "go", 2)) {
			printf("began %lld %lld 0\n", now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID));
			receive(fd, gro, every, 1);
			close(fd);
		}
	}
	return 0;
}

static int transmit(int gso, int size, const char *ip, int port)
{
	static struct iovec whole;
	struct sockaddr_storage to;
	int segments = gso ? SEGMENTS : 1;
	socklen_t length = address(ip, port, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM, 0);
	char command[64];

	if (gso && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) < 0)
		die("UDP_SEGMENT");
	whole.iov_len = size * segments;
	whole.iov_base = calloc(1, whole.iov_len);
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &whole;
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = length;
	}
	printf("ready\n");
	while (fgets(command, sizeof command, stdin)) {
		long total = atol(command + 3), left = total / segments; /* "go N" */
		long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		while (left > 0) {
			int n = sendmmsg(fd, messages, left < BATCH ? left : BATCH, 0);
			if (n < 0 && errno != EINTR)
				die("sendmmsg");
			left -= n > 0 ? n : 0;
		}
		cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall = now(CLOCK_MONOTONIC) - wall;
		printf("sent %ld %ld %lld %lld 0\n", total, total * size, wall, cpu);
	}
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(LIFETIME); /* whatever happens to the parent */
	if (argc == 7 && strcmp(argv[1], "send")) {
		int gro = !strcmp(argv[2], "gro"), port = atoi(argv[4]), buffer = atoi(argv[6]);
		long every = atol(argv[5]);
		prepare(gro);
		if (!strcmp(argv[1], "turns")) {
			printf("ready\n");
			return take_turns(gro, argv[3], port, every, buffer);
		}
		int fd = receiver(gro, argv[3], port, buffer);
		printf("ready\n");
		receive(fd, gro, every, 0);
	}
	if (argc == 6 && !strcmp(argv[1], "send"))
		return transmit(!strcmp(argv[2], "gso"), atoi(argv[3]), argv[4], atoi(argv[5]));
	fprintf(stderr, "usage: see the top of neighbor.c\n");
	return 2;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: owns the loop's objects and brings offers and channels together. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/channel.h"
#include "daemon/conf.h"
#include "daemon/kvp_worker.h"
#include "daemon/sys.h"

struct manager;

struct manager_options {
	const struct conf *conf; /* copied */
	const char *conf_path;   /* where it was read (conf_read), to read it again */
	struct log *log;         /* must outlive the manager, which sets its level when that changes */
	const char *socket_path; /* where vmichost listens; NULL: the machine's VMBus */
	bool dry_run;
};

/* Makes everything and connects; the service manager is told when the channels listen, and from now on that the loop
 * is alive. 0, or a negative errno, which has been logged. */
_must_check_ int manager_new(sd_event *event, const struct manager_options *options,
			     struct manager **ret);

/* Tells the service manager that this is the end, closes the channels, hangs up. Returns NULL. */
struct manager *manager_free(struct manager *m);

/* --- what there is to see and to steer while it runs --- */

/* What is in force. Good until the loop's next turn. */
const struct conf *manager_conf(const struct manager *m);

/* 0; -ENODEV: this version does not serve the component, or not by its channel. */
_must_check_ int manager_view(const struct manager *m, enum ic_component component,
			      struct channel_view *ret);

/* One who is told what happens, besides the log. Each may be NULL, and must not call the manager but
 * for manager_conf and manager_view. */
struct manager_watcher {
	void (*news)(void *user, enum ic_component component, enum channel_news news);
	void (*configured)(void *user); /* what manager_conf gives has changed */
	void (*clock_stepped)(void *user, int64_t ns);
	void (*shutdown_requested)(void *user, const struct shutdown_request *request);
	void (*pool_changed)(void *user, unsigned pool); /* by the host, or through kvp_client_ops */
	void *user;
};

/* Copied; NULL: nobody. */
void manager_watch(struct manager *m, const struct manager_watcher *watcher);

/* Who asks for key-value pairs by kvp_client_ops. */
struct kvp_client *manager_kvp_client(const struct manager *m, enum kvp_client_id id);

/*
 * Reads the configuration again and puts it in force: what was changed at run time is dropped, and a
 * channel for which something else holds now is closed and opened anew. 0; a negative errno, *error
 * says why, and all is as it was. Where the pools are and by which way they are served stays as it is
 * until the next start; that is logged.
 */
_must_check_ int manager_reload(struct manager *m, struct conf_error *error);

/* Puts another profile in force, until the next reload, whatever becomes of this process (daemon/runtime.h);
 * what else was read last holds still, and the files are not looked at. 0; -ENOENT: no profile has this name. */
_must_check_ int manager_set_profile(struct manager *m, const char *name);

/* Closes a channel and opens it again: the host negotiates anew. 0; -ENODEV as manager_view;
 * -ENOTCONN: it is not open. */
_must_check_ int manager_renegotiate(struct manager *m, enum ic_component component);

/* What heartbeats say from the next on, as long. */
void manager_set_application_state(struct manager *m, enum heartbeat_state state);

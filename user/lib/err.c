// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <xskit/err.h>

int xk_err_fill(struct xk_err *err, int code, const char *what, const char *fix, const char *why,
		...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	snprintf(err->what, sizeof(err->what), "%s", what);
	snprintf(err->fix, sizeof(err->fix), "%s", fix ? fix : "");
	va_start(args, why);
	vsnprintf(err->why, sizeof(err->why), why, args);
	va_end(args);
	return code;
}

/* The functions that libfranka 0.9 looks up in a robot's model library. All matrices are column-major.
   Kinematics: published DH parameters (tests/fci/kinematics.py has the source). Dynamics: made up. */
#include <math.h>
#include <string.h>

enum { JOINTS = 7, FLANGE = 8 };

static const double LENGTH[FLANGE] = {0, 0, 0, 0.0825, -0.0825, 0, 0.088, 0};  /* a [m] */
static const double OFFSET[FLANGE] = {0.333, 0, 0.316, 0, 0.384, 0, 0, 0.107}; /* d [m] */
static const int TWIST[FLANGE] = {0, -1, 1, 1, -1, 1, 1, 0};                   /* alpha in quarter turns */
static const double INERTIA[JOINTS] = {1, 1, 1, 1, 0.1, 0.1, 0.1};             /* as in tests/fci/body.py */
static const double ZEROS[JOINTS] = {0};

static void multiply(const double *a, const double *b, double *product) {
  double result[16];
  for (int column = 0; column < 4; column++)
    for (int row = 0; row < 4; row++) {
      double sum = 0;
      for (int k = 0; k < 4; k++) sum += a[4 * k + row] * b[4 * column + k];
      result[4 * column + row] = sum;
    }
  memcpy(product, result, sizeof result);
}

/* Pose (4x4) of frame 1..8 in the base frame. */
static void pose_of(const double *q, int frame, double *pose) {
  memset(pose, 0, 16 * sizeof *pose);
  pose[0] = pose[5] = pose[10] = pose[15] = 1;
  for (int i = 0; i < frame; i++) {
    double angle = i < JOINTS ? q[i] : 0, c = cos(angle), s = sin(angle);
    double ca = TWIST[i] == 0 ? 1 : 0, sa = TWIST[i];
    double step[16] = {c, s * ca, s * sa, 0, -s, c * ca, c * sa, 0,
                       0, -sa,    ca,     0, LENGTH[i], -sa * OFFSET[i], ca * OFFSET[i], 1};
    multiply(pose, step, pose);
  }
}

/* Pose of frame 1..8, or of the tool behind the flange where there is one. */
static void end_of(const double *q, int frame, const double *tool, double *pose) {
  pose_of(q, tool ? FLANGE : frame, pose);
  if (tool) multiply(pose, tool, pose);
}

/* Jacobian (6x7) in the base frame: linear rows, then angular ones. */
static void base_jacobian(const double *q, int frame, const double *tool, double *jacobian) {
  double end[16];
  end_of(q, frame, tool, end);
  memset(jacobian, 0, 6 * JOINTS * sizeof *jacobian);
  for (int i = 0; i < (frame < JOINTS ? frame : JOINTS); i++) {
    double joint[16], *column = jacobian + 6 * i;
    pose_of(q, i + 1, joint);
    const double *z = joint + 8, arm[3] = {end[12] - joint[12], end[13] - joint[13], end[14] - joint[14]};
    column[0] = z[1] * arm[2] - z[2] * arm[1];
    column[1] = z[2] * arm[0] - z[0] * arm[2];
    column[2] = z[0] * arm[1] - z[1] * arm[0];
    memcpy(column + 3, z, 3 * sizeof *z);
  }
}

/* The same, turned into the end's own frame. */
static void body_jacobian(const double *q, int frame, const double *tool, double *jacobian) {
  double end[16];
  end_of(q, frame, tool, end);
  base_jacobian(q, frame, tool, jacobian);
  for (int part = 0; part < 2 * JOINTS; part++) {
    double *v = jacobian + 3 * part, turned[3];
    for (int row = 0; row < 3; row++)
      turned[row] = end[4 * row] * v[0] + end[4 * row + 1] * v[1] + end[4 * row + 2] * v[2];
    memcpy(v, turned, sizeof turned);
  }
}

#define FRAME(n)                                                                      \
  void O_T_J##n(const double *q, double *out) { pose_of(q, n, out); }                 \
  void O_J_J##n(const double *q, double *out) { base_jacobian(q, n, NULL, out); }     \
  void Ji_J_J##n(const double *q, double *out) { body_jacobian(q, n, NULL, out); }

/* Those of joint 1 do not depend on the joints, and do not take them. */
void O_T_J1(const double *q, double *out) { pose_of(q, 1, out); }
void O_J_J1(double *out) { base_jacobian(ZEROS, 1, NULL, out); }
void Ji_J_J1(double *out) { body_jacobian(ZEROS, 1, NULL, out); }
FRAME(2) FRAME(3) FRAME(4) FRAME(5) FRAME(6) FRAME(7) FRAME(8)
void O_T_J9(const double *q, const double *tool, double *out) { end_of(q, FLANGE, tool, out); }
void O_J_J9(const double *q, const double *tool, double *out) { base_jacobian(q, FLANGE, tool, out); }
void Ji_J_J9(const double *q, const double *tool, double *out) { body_jacobian(q, FLANGE, tool, out); }

/* Mass matrix, Coriolis and gravity torques. */
void M_NE(const double *q, const double *load, double mass, const double *centre, double *out) {
  memset(out, 0, JOINTS * JOINTS * sizeof *out);
  for (int i = 0; i < JOINTS; i++) out[(JOINTS + 1) * i] = INERTIA[i];
}
void c_NE(const double *q, const double *dq, const double *load, double mass, const double *centre,
          double *out) {
  memset(out, 0, JOINTS * sizeof *out);
}
void g_NE(const double *q, const double *gravity, double mass, const double *centre, double *out) {
  memset(out, 0, JOINTS * sizeof *out);
}

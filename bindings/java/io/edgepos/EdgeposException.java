package io.edgepos;

/** A call that was not done. */
public final class EdgeposException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why, for programs: the number of `EDGEPOS_BUSY` or another status of `edgepos.h`. */
    public final int status;

    EdgeposException(int status, String detail) {
        super(detail);
        this.status = status;
    }
}

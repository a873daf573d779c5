package io.edgepos;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import io.edgepos.EdgeposLibrary.Size;
import java.nio.charset.StandardCharsets;

/** What all calls have in common. */
final class Call {
    static final int OK = 0;
    private static final EdgeposLibrary C = EdgeposLibrary.C;

    private Call() {}

    /** A call that answers with a handle. */
    interface Answers {
        int call(PointerByReference out);
    }

    static int check(int status) {
        if (status < OK) {
            throw new EdgeposException(status, C.edgepos_last_detail());
        }
        return status;
    }

    /** The text that a call answers with; null where there is nothing. */
    static String text(Answers call) {
        PointerByReference out = new PointerByReference();
        if (check(call.call(out)) != OK) {
            return null;
        }
        Pointer text = out.getValue();
        try {
            byte[] bytes = C.edgepos_text_data(text).getByteArray(0, C.edgepos_text_length(text).intValue());
            return new String(bytes, StandardCharsets.UTF_8);
        } finally {
            C.edgepos_text_free(text);
        }
    }

    static byte[] bytes(String text) {
        return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    }

    static Size size(byte[] bytes) {
        return new Size(bytes.length);
    }
}

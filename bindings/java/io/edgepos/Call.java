package io.edgepos;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import io.edgepos.EdgeposLibrary.Size;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;

/** What all calls have in common. */
final class Call {
    static final int OK = 0;
    private static final EdgeposLibrary C = EdgeposLibrary.C;
    private static final Cleaner CLEANER = Cleaner.create();

    private Call() {}

    /**
     * Frees a handle once: when it is told to, or when nobody has {@code handle} any more. It is that object that is watched, and not the one
     * that has it: a call that is under way has it as an argument, so that nothing is freed under it.
     */
    static Cleaner.Cleanable freed(Pointer handle, Consumer<Pointer> free) {
        long number = Pointer.nativeValue(handle);
        return CLEANER.register(handle, () -> free.accept(new Pointer(number)));
    }

    /** A call that answers with a handle. */
    interface Answers {
        int call(PointerByReference out);
    }

    /** A library that is found at run time may be another installation's. */
    static void sameInterface() {
        if (C.edgepos_abi() != EdgeposLibrary.ABI) {
            throw new UnsupportedOperationException("the library has another interface");
        }
    }

    static int check(int status) {
        if (status >= OK) {
            return status;
        }
        String detail = C.edgepos_last_detail();
        throw new EdgeposException(status, detail.isEmpty() ? C.edgepos_status_text(status) : detail);
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

    /** As UTF-8; none for null. Half of a surrogate pair is refused: replaced it would be another name. */
    static byte[] bytes(String text) {
        if (text == null) {
            return new byte[0];
        }
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (CharacterCodingException half) {
            throw new IllegalArgumentException("half of a surrogate pair is no text", half);
        }
    }

    /** What is over is none, and what no clock reaches is as long as can be said. */
    static long milliseconds(Duration time) {
        try {
            return Math.max(0, time.toMillis());
        } catch (ArithmeticException tooLong) {
            return time.isNegative() ? 0 : Long.MAX_VALUE;
        }
    }

    /** A number of a terminal or of a list. Cut to 16 bits it would be another one's. */
    static short small(int number) {
        if (number < 0 || number > 0xFFFF) {
            throw new IllegalArgumentException(number + " is none of 0 to 65535");
        }
        return (short) number;
    }

    /** A number that C counts without a sign. One below zero would be another one there. */
    static long whole(long number) {
        if (number < 0) {
            throw new IllegalArgumentException(number + " is below 0");
        }
        return number;
    }

    /** The same of 32 bits, of which Java's own have a sign. */
    static int word(long number) {
        if (number < 0 || number > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException(number + " is none of 0 to 4294967295");
        }
        return (int) number;
    }

    static Size size(byte[] bytes) {
        return new Size(bytes.length);
    }
}

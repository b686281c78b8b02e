/** Ends this process when its parent ends: the parent holds the other end of our standard input and never writes. */
final class ParentWatch {
    private ParentWatch() {}

    static void start() {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException ignored) {
                // a broken pipe says the same as its end: nobody is there any more
            }
            Runtime.getRuntime().halt(0);
        }, "parent-watch");
        watch.setDaemon(true);
        watch.start();
    }
}

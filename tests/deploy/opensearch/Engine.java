import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/**
 * OpenSearch in one process, until its standard input ends. The argument is the folder of
 * everything that it keeps; the system chooses its port, which logs/http.ports in that folder
 * names once the node answers.
 */
final class Engine extends Node {
    private Engine(Settings settings) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "engine"),
            List.of(Netty4Plugin.class, CommonAnalysisPlugin.class, MapperExtrasPlugin.class),
            false);
    }

    public static void main(String[] arguments) throws Exception {
        var home = Path.of(arguments[0]).toAbsolutePath();
        Files.createDirectories(home.resolve("logs"));
        var settings = Settings.builder()
            .put("path.home", home.toString())
            .put("node.portsfile", true)
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", "0")
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            // A disk that is nearly full is no reason to refuse the few megabytes of a test.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        try (var node = new Engine(settings)) {
            node.start();
            while (System.in.read() >= 0) {}
        }
    }
}

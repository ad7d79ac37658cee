import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Resource;

/**
 * HAPI's client, with a parser that takes no element it does not know. Arguments: the interface's address, a token, what
 * to do, and at which addresses. For each of these it writes a line: what it read, as an array.
 */
class Read {
    public static void main(String[] arguments) throws Exception {
        var context = FhirContext.forR4();
        context.setParserErrorHandler(new StrictErrorHandler());
        context.getRestfulClientFactory().setSocketTimeout(60_000);
        var client = context.newRestfulGenericClient(arguments[0]);
        client.registerInterceptor(new BearerTokenAuthInterceptor(arguments[1]));
        var parser = context.newJsonParser();
        for (var at = 3; at < arguments.length; at++) {
            var read = switch (arguments[2]) {
                case "capability" -> List.of(client.capabilities().ofType(CapabilityStatement.class).execute());
                case "search" -> search(client, arguments[at]);
                case "again" -> again(client, arguments[at]);
                case "export" -> export(client, parser, arguments[1], arguments[at]);
                default -> throw new IllegalArgumentException(arguments[2]);
            };
            System.out.println(
                read.stream().map(parser::encodeResourceToString).collect(Collectors.joining(",", "[", "]")));
        }
    }

    /** The pages of a search. */
    static List<Bundle> search(IGenericClient client, String address) {
        var pages = new ArrayList<Bundle>();
        var page = client.search().byUrl(address).returnBundle(Bundle.class).execute();
        pages.add(page);
        while (page.getLink(Bundle.LINK_NEXT) != null) {
            page = client.loadPage().next(page).execute();
            pages.add(page);
        }
        return pages;
    }

    /** What a search finds, read once more by the ids of its hits, which have a version. */
    static List<Resource> again(IGenericClient client, String address) {
        var read = new ArrayList<Resource>();
        for (var entry : client.search().byUrl(address).returnBundle(Bundle.class).execute().getEntry()) {
            var id = entry.getResource().getIdElement();
            if (!id.hasVersionIdPart()) {
                throw new IllegalStateException(id.getValue() + " has no version");
            }
            read.add((Resource) client.read().resource(id.getResourceType()).withId(id).execute());
        }
        return read;
    }

    /** What an export of a Group writes: HAPI starts it, and reads each line. */
    static List<Resource> export(IGenericClient client, IParser parser, String token, String group) throws Exception {
        var started = client.operation().onInstance(new IdType(group)).named("$export")
            .withNoParameters(Parameters.class).useHttpGet().returnMethodOutcome()
            .withAdditionalHeader("Prefer", "respond-async").execute();
        var status = started.getFirstResponseHeader("content-location").orElseThrow();
        var manifest = get(status, token);
        for (var tries = 0; manifest.statusCode() == 202 && tries < 240; tries++) {
            Thread.sleep(250);
            manifest = get(status, token);
        }
        var read = new ArrayList<Resource>();
        for (var file : JsonParser.parseString(manifest.body()).getAsJsonObject().getAsJsonArray("output")) {
            get(file.getAsJsonObject().get("url").getAsString(), token).body().lines()
                .forEach(line -> read.add((Resource) parser.parseResource(line)));
        }
        return read;
    }

    static HttpResponse<String> get(String address, String token) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(address)).header("Authorization", "Bearer " + token).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}

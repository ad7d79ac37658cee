import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import ca.uhn.fhir.validation.ValidationOptions;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleEntryComponent;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;
import org.hl7.fhir.utilities.npm.NpmPackage;

/**
 * HL7's validator with R4, a package (.tgz) and a Bundle of more definitions. A line of input is a word, a tab, and a
 * resource; the line of output is an OperationOutcome. The word is the canonical address of a profile to hold the resource
 * to, or nothing. "snapshot" makes a StructureDefinition's snapshot anew instead, and answers with the whole of it.
 */
class Validate {
    public static void main(String[] arguments) throws Exception {
        var context = FhirContext.forR4();
        var parser = context.newJsonParser();
        var known = new PrePopulatedValidationSupport(context);
        for (var one : ofPackage(Path.of(arguments[0]))) {
            known.addResource((Resource) parser.parseResource(one));
        }
        var others = parser.parseResource(Bundle.class, Files.readString(Path.of(arguments[1])));
        others.getEntry().stream().map(BundleEntryComponent::getResource).forEach(known::addResource);
        var snapshots = new SnapshotGeneratingValidationSupport(context);
        var support = new ValidationSupportChain(
            known, new DefaultProfileValidationSupport(context), new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context), snapshots);
        var instances = new FhirInstanceValidator(support);
        instances.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        instances.setAnyExtensionsAllowed(false);
        instances.setErrorForUnknownProfiles(true);
        var validator = context.newValidator().registerValidatorModule(instances);
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var parts = line.split("\t", 2);
            Resource answer;
            if (parts[0].equals("snapshot")) {
                var made = parser.parseResource(StructureDefinition.class, parts[1]).setSnapshot(null);
                answer = (Resource) snapshots.generateSnapshot(new ValidationSupportContext(support), made, null, null, null);
            } else {
                var options = new ValidationOptions();
                if (!parts[0].isEmpty()) {
                    options.addProfile(parts[0]);
                }
                answer = (OperationOutcome) validator.validateWithResult(parts[1], options).toOperationOutcome();
            }
            System.out.write((parser.encodeResourceToString(answer) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }

    static List<String> ofPackage(Path path) throws Exception {
        var definitions = new ArrayList<String>();
        try (var file = new FileInputStream(path.toFile())) {
            var loaded = NpmPackage.fromPackage(file);
            for (var kind : List.of("StructureDefinition", "CodeSystem", "ValueSet", "SearchParameter",
                                    "OperationDefinition", "ImplementationGuide")) {
                for (var name : loaded.listResources(kind)) {
                    definitions.add(new BufferedReader(
                        new InputStreamReader(loaded.load("package", name), StandardCharsets.UTF_8))
                        .lines().collect(Collectors.joining("\n")));
                }
            }
        }
        return definitions;
    }
}

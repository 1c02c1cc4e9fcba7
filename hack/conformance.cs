// Holds test/conformance.md against the tests: every id that a section's heading promises stands there once, every id that a test names is there, and each
// has a test or a reason for having none. Run it through hack/conformance.
using System.Text.RegularExpressions;

const string NoTest = "No test: ";

var root = args[0];
var check = args.Contains("--check");
var folder = Path.Combine(root, "test");
var document = Path.Combine(folder, "conformance.md");
var errors = new List<string>();

var lines = File.ReadAllLines(document);
var sections = new List<Section>();
foreach (var (index, line) in lines.Index())
{
    if (line.StartsWith("## ", StringComparison.Ordinal))
    {
        sections.Add(new Section(line[3..], [.. Patterns.Ids(line)], []));
    }
    else if (line.StartsWith("| ", StringComparison.Ordinal) && Patterns.Id.IsMatch(line[2..]))
    {
        if (
            line.Split('|', StringSplitOptions.TrimEntries) is not ["", var id, var what, var tests, var remark, ""]
            || what.Length == 0
            || sections is []
        )
        {
            errors.Add($"Line {index + 1} is not `| id | what | tests | remark |` in a section: {line}");
            continue;
        }

        sections[^1].Rows.Add(new Row(index, id, what, tests, remark));
    }
}

var rows = sections.SelectMany(section => section.Rows).ToArray();
foreach (var section in sections)
{
    errors.AddRange(section.Promised.Except(section.Rows.Select(row => row.Id)).Select(id => $"{id} is missing in \"{section.Heading}\"."));
    errors.AddRange(
        section.Rows.Where(row => !section.Promised.Contains(row.Id)).Select(row => $"{row.Id} does not belong into \"{section.Heading}\".")
    );
}

errors.AddRange(rows.CountBy(row => row.Id).Where(id => id.Value > 1).Select(id => $"{id.Key} stands there {id.Value} times."));

// Ids with other prefixes are those of sections that this document does not cover.
var prefixes = rows.Select(row => row.Id.Split('-')[0]).ToHashSet();
var known = rows.Select(row => row.Id).ToHashSet();
var named = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
foreach (var path in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
{
    var text = File.ReadAllText(path);
    var source = Path.GetRelativePath(folder, path).Replace('\\', '/');
    var ids = Patterns.Ids(text).Where(id => prefixes.Contains(id.Split('-')[0])).Distinct().ToArray();
    if (ids is not [] && !Patterns.Test.IsMatch(text))
    {
        errors.Add($"test/{source} names {string.Join(", ", ids)} but holds no test.");
    }

    foreach (var id in ids)
    {
        if (!known.Contains(id))
        {
            errors.Add($"test/{source} names {id}, which test/conformance.md does not have.");
        }
        else if (named.TryGetValue(id, out var sources))
        {
            sources.Add(source);
        }
        else
        {
            named[id] = [source];
        }
    }
}

var changed = 0;
foreach (var row in rows)
{
    var sources = named.GetValueOrDefault(row.Id, []);
    var reasoned = row.Remark.StartsWith(NoTest, StringComparison.Ordinal) && row.Remark.Length > NoTest.Length;
    if (reasoned && sources is not [])
    {
        errors.Add($"{row.Id} has a reason for having no test, but test/{string.Join(", test/", sources)} names it.");
    }

    if (!reasoned && sources is [])
    {
        errors.Add($"{row.Id} has neither a test that names it nor a remark that begins with \"{NoTest}\" and says why.");
    }

    var tests = sources is not []
        ? string.Join(", ", sources.Select(source => $"[{Path.GetFileNameWithoutExtension(source)}]({source})"))
        : "none";
    var line = $"| {row.Id} | {row.What} | {tests} | {row.Remark}{(row.Remark.Length > 0 ? " |" : "|")}";
    if (line != lines[row.Line])
    {
        changed++;
        lines[row.Line] = line;
        if (check)
        {
            errors.Add($"{row.Id} should say: {tests}. Run hack/conformance and commit what it writes.");
        }
    }
}

if (!check && changed > 0)
{
    File.WriteAllText(document, string.Join('\n', lines) + '\n');
}

foreach (var section in sections)
{
    var tested = section.Rows.Count(row => named.ContainsKey(row.Id));
    Console.WriteLine($"{section.Heading}: {tested} tested, {section.Rows.Count - tested} without a test, for the reason given");
}

foreach (var error in errors)
{
    Console.Error.WriteLine(error);
}

Console.WriteLine($"{rows.Length} statements; {(check ? 0 : changed)} lines written.");
return errors is [] ? 0 : 1;

internal sealed record Section(string Heading, HashSet<string> Promised, List<Row> Rows);

internal sealed record Row(int Line, string Id, string What, string Tests, string Remark);

internal static partial class Patterns
{
    /// <summary>A test, so that an id which only a fixture or a comment elsewhere names proves nothing.</summary>
    public static readonly Regex Test = new(@"\[(Fact|Theory)\b");

    public static readonly Regex Id = new(@"^[A-Z]{2,4}-[0-9]{2} ");

    private static readonly Regex IdOrRange = new(@"\b(?<prefix>[A-Z]{2,4})-(?<first>[0-9]{2})\b( to \k<prefix>-(?<last>[0-9]{2})\b)?");

    private static readonly Regex InNames = new(@"(?<![A-Za-z0-9])(?<prefix>[A-Z]{2,4})(_(?<number>[0-9]{2})(?![0-9A-Za-z]))+");

    /// <summary>
    /// The ids in a text: `DP-12`, all those between the ends of `DP-09 to DP-18`, and those in the name of a method: `DP_12_13_The_body_is_dropped`.
    /// </summary>
    public static IEnumerable<string> Ids(string text)
    {
        var ranges =
            from match in IdOrRange.Matches(text)
            let first = int.Parse(match.Groups["first"].Value)
            let last = match.Groups["last"].Success ? int.Parse(match.Groups["last"].Value) : first
            from number in Enumerable.Range(first, Math.Max(0, last - first + 1))
            select $"{match.Groups["prefix"].Value}-{number:00}";
        var names =
            from match in InNames.Matches(text)
            from number in match.Groups["number"].Captures
            select $"{match.Groups["prefix"].Value}-{number.Value}";
        return ranges.Concat(names);
    }
}

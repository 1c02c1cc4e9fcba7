// Writes third_party/ from what the built program really ships (brokkr.deps.json) and what each package says of itself (its nuspec and licence file
// in the NuGet cache). Run it through hack/licences.
using System.Text;
using System.Text.Json;
using System.Xml.Linq;

var root = args[0];
var check = args.Contains("--check");

var manifest = new[] { "release", "debug" }
    .Select(configuration => new FileInfo(Path.Combine(root, "artifacts", "bin", "Brokkr.Cli", configuration, "brokkr.deps.json")))
    .Where(file => file.Exists)
    .MaxBy(file => file.LastWriteTimeUtc);
if (manifest is null)
{
    return Fail("The program is not built: dotnet build cli");
}

using var dependencies = JsonDocument.Parse(File.ReadAllText(manifest.FullName));
var packages = dependencies
    .RootElement.GetProperty("libraries")
    .EnumerateObject()
    .Where(library => library.Value.GetProperty("type").GetString() == "package")
    .Select(library => Package.Read(library.Name))
    .OrderBy(package => package.Id, StringComparer.OrdinalIgnoreCase)
    .ToArray();

var files = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["README.md"] = Overview(packages) };
foreach (var package in packages)
{
    if (package.LicenceText(root) is not { } text)
    {
        return Fail(
            $"{package.Id} {package.Version} has neither a licence file nor a licence known here ({package.Licence}): add it to hack/licences.cs."
        );
    }

    files[$"{package.Id}/LICENSE"] = text;
}

var folder = Path.Combine(root, "third_party");
var present = Directory.Exists(folder)
    ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).ToArray()
    : [];
var obsolete = present.Where(path => !files.ContainsKey(path)).ToArray();
var changed = files.Where(file => !present.Contains(file.Key) || File.ReadAllText(Path.Combine(folder, file.Key)) != file.Value).ToArray();

if (check)
{
    foreach (var path in obsolete.Concat(changed.Select(file => file.Key)))
    {
        Console.Error.WriteLine($"third_party/{path} is out of date.");
    }

    return obsolete.Length + changed.Length == 0 ? 0 : Fail("Run hack/licences and commit what it writes.");
}

foreach (var path in obsolete)
{
    File.Delete(Path.Combine(folder, path));
}

foreach (var (path, text) in changed)
{
    var target = Path.Combine(folder, path);
    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
    File.WriteAllText(target, text);
}

Console.WriteLine($"{packages.Length} packages; {changed.Length} files written, {obsolete.Length} removed.");
return 0;

static int Fail(string message)
{
    Console.Error.WriteLine(message);
    return 1;
}

static string Overview(IEnumerable<Package> packages)
{
    var text = new StringBuilder(
        """
        # Third-party software in Brokkr

        What the built program ships beside its own code and the .NET runtime. Written by `hack/licences`; do not edit.

        | package | version | licence | copyright |
        |---|---|---|---|

        """
    );
    foreach (var package in packages)
    {
        text.Append($"| [{package.Id}]({package.Id}/LICENSE) | {package.Version} | {package.Licence} | {package.Copyright} |\n");
    }

    text.Append(
        """

        `librdkafka.redist` and `SQLitePCLRaw.lib.e_sqlite3` hold native libraries. The former's licence file lists the sources that librdkafka is made of; its
        builds also contain, depending on the platform, zlib (zlib licence), OpenSSL (Apache-2.0), curl (curl licence) and Zstandard (BSD-3-Clause). The latter
        contains SQLite, which is in the public domain.

        """
    );
    return text.ToString();
}

internal sealed record Package(string Id, string Version, string Folder, string Licence, string Copyright)
{
    // Packages whose nuspec gives only an address; the licence was read from the file named in the package.
    private static readonly Dictionary<string, string> KnownLicences = new(StringComparer.OrdinalIgnoreCase)
    {
        ["librdkafka.redist"] = "BSD-2-Clause and others",
    };

    public static Package Read(string nameAndVersion)
    {
        var cache =
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var (id, version) = nameAndVersion.Split('/') is [var name, var number]
            ? (name, number)
            : throw new FormatException(nameAndVersion);
        var folder = Path.Combine(cache, id.ToLowerInvariant(), version.ToLowerInvariant());
        var metadata = XDocument
            .Load(Path.Combine(folder, id.ToLowerInvariant() + ".nuspec"))
            .Root!.Elements()
            .First(e => e.Name.LocalName == "metadata");
        string? Value(string element) => metadata.Elements().FirstOrDefault(e => e.Name.LocalName == element)?.Value.Trim();
        var declared = metadata.Elements().FirstOrDefault(e => e.Name.LocalName == "license");
        var licence =
            declared?.Attribute("type")?.Value == "expression"
                ? declared.Value.Trim()
                : KnownLicences.GetValueOrDefault(id, "see its file");
        return new Package(id, version, folder, licence, Value("copyright") ?? Value("authors") ?? string.Empty);
    }

    /// <summary>The package's own licence file; else the text of its SPDX expression with the package's copyright line.</summary>
    public string? LicenceText(string root)
    {
        var own = Directory
            .EnumerateFiles(Folder)
            .Where(path => Path.GetFileName(path).StartsWith("licen", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
        if (own is not null)
        {
            return File.ReadAllText(own).ReplaceLineEndings("\n");
        }

        return Licence switch
        {
            "MIT" => $"MIT License\n\n{Copyright}\n\n{Texts.Mit}",
            "BSD-3-Clause" => $"{Copyright}\n\n{Texts.Bsd3}",
            "Apache-2.0" => $"{Copyright}\n\n{File.ReadAllText(Path.Combine(root, "LICENSE"))}",
            _ => null,
        };
    }
}

internal static class Texts
{
    public const string Mit = """
        Permission is hereby granted, free of charge, to any person obtaining a copy
        of this software and associated documentation files (the "Software"), to deal
        in the Software without restriction, including without limitation the rights
        to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
        copies of the Software, and to permit persons to whom the Software is
        furnished to do so, subject to the following conditions:

        The above copyright notice and this permission notice shall be included in all
        copies or substantial portions of the Software.

        THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
        IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
        FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
        AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
        LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
        OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
        SOFTWARE.

        """;

    public const string Bsd3 = """
        Redistribution and use in source and binary forms, with or without
        modification, are permitted provided that the following conditions are met:

        1. Redistributions of source code must retain the above copyright notice, this
           list of conditions and the following disclaimer.

        2. Redistributions in binary form must reproduce the above copyright notice,
           this list of conditions and the following disclaimer in the documentation
           and/or other materials provided with the distribution.

        3. Neither the name of the copyright holder nor the names of its contributors
           may be used to endorse or promote products derived from this software
           without specific prior written permission.

        THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
        AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
        IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
        DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
        FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
        DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
        SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
        CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
        OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
        OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

        """;
}

using System.Text;

namespace Brokkr.Controller.Folders;

/// <summary>What was found in manifests.</summary>
/// <param name="Files">Files that were read.</param>
/// <param name="Objects">Objects in them, of any kind.</param>
/// <param name="Problems">What is wrong, by file and line.</param>
public sealed record ManifestReport(int Files, int Objects, IReadOnlyList<FileProblem> Problems);

/// <summary>
/// Holds manifests against the rules that the admission webhook and <c>brokkr dev</c> have, without serving them. Manifests that are checked together know of each
/// other: <c>config-features</c> and <c>config-br-defaults</c> among them count, and no two may define the same object.
/// </summary>
/// <param name="defaultNamespace">Namespace of objects that name none.</param>
public sealed class ManifestCheck(string defaultNamespace = "default")
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FolderOptions _options = new()
    {
        Path = "",
        BaseAddress = new Uri("http://localhost"),
        DefaultBootstrapServers = "",
        DefaultNamespace = defaultNamespace,
    };

    private readonly List<FolderFile> _files = [];

    /// <summary>Adds a file, or a folder with every <c>*.yaml</c> and <c>*.yml</c> in it and below. What cannot be read is a problem.</summary>
    public void AddPath(string path)
    {
        if (Directory.Exists(path))
        {
            AddFolder(path);
            return;
        }

        try
        {
            if (new FileInfo(path) is { Exists: true } file && file.Length > _options.MaxFileBytes)
            {
                Fail(path, 0, $"is larger than {_options.MaxFileBytes} bytes");
                return;
            }

            AddText(path, Utf8.GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF'));
        }
        catch (DecoderFallbackException)
        {
            Fail(path, 0, "is not UTF-8");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            Fail(path, 0, "does not exist");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(path, 0, $"cannot be read: {exception.Message}");
        }
    }

    /// <summary>Adds documents that stand in no file.</summary>
    /// <param name="name">What they are called in problems.</param>
    /// <param name="text">The documents, in YAML or JSON.</param>
    public void AddText(string name, string text)
    {
        try
        {
            _files.Add(
                new FolderFile(name)
                {
                    Objects = [.. YamlReader.Read(text).SelectMany(document => ObjectReader.Read(document, _options.DefaultNamespace))],
                }
            );
        }
        catch (YamlFileException exception)
        {
            Fail(name, exception.Line, exception.Message);
        }
    }

    /// <summary>Checks what was added.</summary>
    public ManifestReport Run()
    {
        var snapshot = new FolderComposer(_options, isForCluster: true).Compose(_files, null, FolderSnapshot.Empty);
        return new ManifestReport(_files.Count, _files.Sum(file => file.Objects.Count), snapshot.Problems);
    }

    private void AddFolder(string path)
    {
        var found = new FolderFiles(_options with { Path = path });
        found.Scan();
        if (found.Problem is { } problem)
        {
            _files.Add(
                new FolderFile(path)
                {
                    Problem = problem with
                    {
                        Message = problem.Message.Replace("; everything stays as it is", "", StringComparison.Ordinal),
                    },
                }
            );
        }

        foreach (var file in found.Files)
        {
            var name = Path.Combine(path, file.Name);
            _files.Add(
                new FolderFile(name) { Objects = file.Objects, Problem = file.Problem is null ? null : file.Problem with { File = name } }
            );
        }
    }

    private void Fail(string name, int line, string message) =>
        _files.Add(new FolderFile(name) { Problem = new FileProblem(true, name, line, "", message) });
}

